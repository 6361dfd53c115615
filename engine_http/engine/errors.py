"""ClickHouse's errors: their codes, names and HTTP statuses.

Codes and statuses are ClickHouse's own (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp), so that
clients that tell errors apart by code or status behave as against a server.
"""

from __future__ import annotations

import re
from enum import IntEnum


class Code(IntEnum):
    """The codes this process raises itself; the engine knows many more."""

    BAD_ARGUMENTS = 36
    CHECKSUM_DOESNT_MATCH = 40
    DECIMAL_OVERFLOW = 407
    UNKNOWN_FUNCTION = 46
    NOT_IMPLEMENTED = 48
    UNKNOWN_TABLE = 60
    SYNTAX_ERROR = 62
    UNKNOWN_FORMAT = 73
    UNKNOWN_COMPRESSION_METHOD = 89
    UNKNOWN_SETTING = 115
    INCORRECT_DATA = 117
    TIMEOUT_EXCEEDED = 159
    READONLY = 164
    INTO_OUTFILE_NOT_ALLOWED = 358
    UNKNOWN_DATABASE = 81
    UNKNOWN_USER = 192
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
    SUPPORT_IS_DISABLED = 344
    QUERY_IS_TOO_LARGE = 229
    MEMORY_LIMIT_EXCEEDED = 241
    NOT_ENOUGH_SPACE = 243
    ABORTED = 236
    CANNOT_DECOMPRESS = 271
    SESSION_NOT_FOUND = 372
    SESSION_IS_LOCKED = 373
    INVALID_SESSION_TIMEOUT = 374
    QUERY_WAS_CANCELLED = 394
    SETTING_CONSTRAINT_VIOLATION = 452
    ACCESS_DENIED = 497
    SET_NON_GRANTED_ROLE = 512
    AUTHENTICATION_FAILED = 516
    CANNOT_SCHEDULE_TASK = 439
    UNKNOWN_EXCEPTION = 1002


_STATUS_OF_CODES: dict[int, tuple[int, ...]] = {
    400: (
        *(6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321),
        *(376, 427, 441, 675, 676),
    ),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (229,),
    415: (779,),
    501: (48,),
    503: (76, 209, 236, 439),
}
_STATUS = {code: status for status, codes in _STATUS_OF_CODES.items() for code in codes}

_ENGINE_TEXT = re.compile(
    r"\ACode: (\d+)\. (?:DB::)?Exception: (.*?)\s*(?:\(([A-Z_0-9]+)\)\s*)?\Z", re.DOTALL
)
# What this process adds to statements; it must not appear in error messages.
_PLUMBING = re.compile(
    r"\s*INTO OUTFILE '/dev/fd/\d+' (?:APPEND )?COMPRESSION 'none'\s?"
    r"|\s*FROM INFILE '/proc/self/fd/\d+' COMPRESSION 'none'"
    r"|\s*SETTINGS log_comment = '(?:[^'\\]|\\.)*'(?:, async_insert = '0')?"
    r"|: ?\(in file/uri /?proc/self/fd/\d+\)|/(?:proc/self|dev)/fd/\d+"
)
_VERSION_TAIL = re.compile(r"\s*\(version [^()]*(?:\([^()]*\))?\)\.?\s*\Z")


class ClickHouseError(Exception):
    """A statement failed with ClickHouse's error *code*; *text* is what the engine said."""

    def __init__(self, code: int, text: str, *, name: str = "") -> None:
        super().__init__(text)
        self.code = int(code)
        self.text = text
        self.name = name or _name(self.code)

    @property
    def status(self) -> int:
        """The HTTP status ClickHouse gives this code."""
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> str:
        """The error as ClickHouse writes it into a response."""
        named = f" ({self.name})" if self.name else ""
        return f"Code: {self.code}. DB::Exception: {self.text}{named} (version {version})\n"


def from_engine(message: str) -> ClickHouseError:
    """Read the engine's error text; the engine may wrap one error text into another."""
    code, name, text = Code.UNKNOWN_EXCEPTION.value, "", message.strip()
    while match := _ENGINE_TEXT.match(_VERSION_TAIL.sub("", text)):
        code, text, name = int(match[1]), match[2], match[3] or name
    return ClickHouseError(code, _PLUMBING.sub("", text), name=name)


def _name(code: int) -> str:
    return Code(code).name if code in Code._value2member_map_ else ""
