"""The counts of one statement, for X-ClickHouse-Summary and X-ClickHouse-Progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one statement, as the engine reports them.

    It reports no bytes of the result and no memory, so the headers name none.
    """

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    total_rows_to_read: int = 0
    result_rows: int = 0

    def header(self, elapsed_seconds: float) -> str:
        """The value of either header; its numbers are strings."""
        return (
            f'{{"read_rows":"{self.read_rows}","read_bytes":"{self.read_bytes}",'
            f'"written_rows":"{self.written_rows}","written_bytes":"{self.written_bytes}",'
            f'"total_rows_to_read":"{self.total_rows_to_read}",'
            f'"result_rows":"{self.result_rows}",'
            f'"elapsed_ns":"{int(elapsed_seconds * 1e9)}"}}'
        )


class Counts:
    """The counts of a statement that runs, as last reported by the engine on its own thread.

    It reports ten times a second; before its first report all of them are 0.
    """

    def __init__(self) -> None:
        self.latest = Summary()

    def begin(self) -> None:
        """Forget the counts of an earlier run of the statement."""
        self.latest = Summary()

    def report(self, reported: Mapping[str, int]) -> None:
        """Called by the engine."""
        self.latest = Summary(**{name: reported[name] for name in Summary.__slots__})


def of(result: Any, *, total_rows_to_read: int = 0) -> Summary:
    """Read the counts from the engine's result object, which lacks *total_rows_to_read*."""
    return Summary(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        total_rows_to_read=total_rows_to_read,
        result_rows=result.rows_read(),
    )
