"""The Content-Type of each output format."""

from __future__ import annotations

_TEXT = "text/plain; charset=UTF-8"
_BINARY = "application/octet-stream"
_TYPES = (
    ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSONStringsEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSON", "application/json; charset=UTF-8"),
    ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
    ("CSV", "text/csv; charset=UTF-8; header=absent"),
    ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
    ("TSV", "text/tab-separated-values; charset=UTF-8"),
    ("XML", "application/xml; charset=UTF-8"),
    ("Markdown", "text/markdown; charset=UTF-8"),
    ("ArrowStream", "application/vnd.apache.arrow.stream"),
    ("Arrow", "application/vnd.apache.arrow.file"),
    ("Parquet", "application/vnd.apache.parquet"),
    ("Native", _BINARY),
    ("RowBinary", _BINARY),
    ("ORC", _BINARY),
    ("Avro", _BINARY),
    ("MsgPack", _BINARY),
    ("BSON", _BINARY),
    ("ODBCDriver2", _BINARY),
)


def content_type(output_format: str) -> str:
    """The Content-Type, by the beginning of the format's name."""
    return next((kind for name, kind in _TYPES if output_format.startswith(name)), _TEXT)
