"""Makes a Query of an HTTP request's URL, headers and form; no I/O, no policy."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http.external import ExternalTable

# Parameters of the HTTP interface itself; everything else in the URL is a setting.
RESERVED = frozenset(
    {
        "query", "user", "password", "quota_key", "query_id", "database", "default_format",
        "session_id", "session_timeout", "session_check", "close_session", "compress",
        "decompress", "stacktrace", "role", "buffer_size", "wait_end_of_query",
        "client_protocol_version", "http_connection_timeout",
    }
)  # fmt: skip
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_FORMAT_NAME = re.compile(r"\w*\Z", re.ASCII)
_MAX_SESSION_SECONDS = 3600
_SESSION_SECONDS = 60
_PROGRESS_MS = 100  # a server's default
_LEAST_PROGRESS_MS = 10


@dataclass(frozen=True, slots=True)
class Query:
    """One request, parsed; *settings* and *parameters* are still plain text."""

    url_text: bytes
    user: str
    password: str
    query_id: str
    database: str = ""
    default_format: str = ""
    read_only: bool = False
    wait_end: bool = False
    compress_native: bool = False
    protocol_version: int = 0
    decompress_native: bool = False
    accept_encoding: str = ""
    content_encoding: str = ""
    session_id: str = ""
    session_seconds: int = _SESSION_SECONDS
    session_check: bool = False
    role: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    external: tuple[ExternalTable, ...] = ()

    @property
    def progress_seconds(self) -> float:
        """How often the client asks for the progress; 0 for never."""
        if not _flag(self.settings.get("send_progress_in_http_headers")):
            return 0.0
        wanted = _number(self.settings.get("http_headers_progress_interval_ms")) or _PROGRESS_MS
        return max(wanted, _LEAST_PROGRESS_MS) / 1_000


def parse(method: str, arguments: Iterable[tuple[str, str]], headers: Mapping[str, str]) -> Query:
    """Read the request line and headers.

    Raises ClickHouseError for mixed ways to sign in, a setting that cannot be a name, or a session
    time-out out of bounds.
    """
    settings: dict[str, str] = {}
    parameters: dict[str, str] = {}
    reserved: dict[str, str] = {}
    for name, value in arguments:
        if name in RESERVED:
            reserved[name] = value
        elif name.startswith("param_"):
            parameters[name.removeprefix("param_")] = value
        elif not _SETTING_NAME.match(name):
            raise ClickHouseError(Code.UNKNOWN_SETTING, f"Unknown setting '{name}'.")
        else:
            settings[name] = value
    user, password = _credentials(reserved, headers)
    query_id = reserved.get("query_id") or headers.get("X-ClickHouse-Query-Id") or str(uuid4())
    if not query_id.isprintable():
        raise ClickHouseError(Code.BAD_ARGUMENTS, "The query id has characters it must not have")
    return Query(
        url_text=reserved.get("query", "").encode(),
        user=user,
        password=password,
        query_id=query_id,
        database=reserved.get("database") or headers.get("X-ClickHouse-Database", ""),
        default_format=format_name(
            reserved.get("default_format") or headers.get("X-ClickHouse-Format", "")
        ),
        read_only=method == "GET" or _is_read_only(settings),
        wait_end=_flag(reserved.get("wait_end_of_query")),
        protocol_version=_number(reserved.get("client_protocol_version")),
        compress_native=_flag(reserved.get("compress")),
        decompress_native=_flag(reserved.get("decompress")),
        accept_encoding=headers.get("Accept-Encoding", ""),
        content_encoding=headers.get("Content-Encoding", "").lower(),
        session_id=reserved.get("session_id", ""),
        session_seconds=_session_seconds(reserved.get("session_timeout")),
        session_check=_flag(reserved.get("session_check")),
        role=reserved.get("role", ""),
        settings=settings,
        parameters=parameters,
    )


def format_name(name: str) -> str:
    """Return *name* if it can name a format: it goes into statements and headers as it is."""
    if not _FORMAT_NAME.match(name):
        raise ClickHouseError(Code.UNKNOWN_FORMAT, f"Unknown format {name!r}.")
    return name


def with_session(query: Query, settings: Mapping[str, str], database: str) -> Query:
    """The same request with its session's settings, where it does not set them itself."""
    merged = {**settings, **query.settings}
    return replace(
        query,
        settings=merged,
        database=query.database or database,
        read_only=query.read_only or _is_read_only(merged),
    )


def _is_read_only(settings: Mapping[str, str]) -> bool:
    return settings.get("readonly") in ("1", "2")


def _flag(value: str | None) -> bool:
    return value is not None and value.lower() in ("1", "true")


def _number(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() else 0


def _session_seconds(value: str | None) -> int:
    if value is None:
        return _SESSION_SECONDS
    if not value.isascii() or not value.isdigit() or int(value) > _MAX_SESSION_SECONDS:
        raise ClickHouseError(Code.INVALID_SESSION_TIMEOUT, f"Invalid session timeout: '{value}'")
    return int(value)


def _credentials(reserved: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    by_header = "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers
    authorization = headers.get("Authorization", "")
    by_url = "user" in reserved or "password" in reserved
    if by_header + bool(authorization) + by_url > 1:
        raise ClickHouseError(
            Code.AUTHENTICATION_FAILED, "Invalid authentication: more than one way is used at once"
        )
    if by_header:
        user = headers.get("X-ClickHouse-User", "default")
        return user or "default", headers.get("X-ClickHouse-Key", "")
    if authorization:
        return _basic(authorization)
    return reserved.get("user", "default") or "default", reserved.get("password", "")


def _basic(authorization: str) -> tuple[str, str]:
    user = password = ""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        scheme = ""
    if scheme.lower() != "basic":
        raise ClickHouseError(
            Code.AUTHENTICATION_FAILED, "Invalid authentication: only Basic is supported"
        )
    return user or "default", password
