"""The errors of the store: one class for each thing a caller should do about a failed write.

    SinkError
    ├── Retryable            may succeed later: hold, wait, write the same again
    ├── NonRetryableError    the data is bad: find the row that is refused and set it aside
    └── MisconfiguredError   tables or settings do not fit, or unknown: hold, alert an operator

Only NonRetryableError lets rows go another way; a code that is in no table here is a
MisconfiguredError, never a reason to drop rows. Messages carry ClickHouse's code and its name, and
never a value of a row.
"""

from __future__ import annotations

from typing import Final

# Names are ClickHouse's own; a test compares them with the engine's.
RETRYABLE_CODES: Final[dict[int, str]] = {
    3: "UNEXPECTED_END_OF_FILE",  # the body was cut on its way: we send whole ones
    32: "ATTEMPT_TO_READ_AFTER_EOF",
    33: "CANNOT_READ_ALL_DATA",
    95: "CANNOT_READ_FROM_SOCKET",
    96: "CANNOT_WRITE_TO_SOCKET",
    107: "FILE_DOESNT_EXIST",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    164: "READONLY",
    173: "CANNOT_ALLOCATE_MEMORY",
    198: "DNS_ERROR",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    244: "UNEXPECTED_ZOOKEEPER_ERROR",
    252: "TOO_MANY_PARTS",
    254: "NO_ACTIVE_REPLICAS",
    265: "NO_AVAILABLE_REPLICA",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    289: "REPLICA_IS_NOT_IN_QUORUM",
    319: "UNKNOWN_STATUS_OF_INSERT",  # the same token sent again settles it
    364: "RECEIVED_ERROR_TOO_MANY_REQUESTS",
    373: "SESSION_IS_LOCKED",
    394: "QUERY_WAS_CANCELLED",
    416: "REPLICA_STATUS_CHANGED",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    499: "S3_ERROR",
    745: "SERVER_OVERLOADED",
    999: "KEEPER_EXCEPTION",
}

# A value does not fit its column; another row of the same insert may.
NON_RETRYABLE_CODES: Final[dict[int, str]] = {
    6: "CANNOT_PARSE_TEXT",
    25: "CANNOT_PARSE_ESCAPE_SEQUENCE",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    69: "ARGUMENT_OUT_OF_BOUND",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    131: "TOO_LARGE_STRING_SIZE",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    407: "DECIMAL_OVERFLOW",
    467: "CANNOT_PARSE_BOOL",
    469: "VIOLATED_CONSTRAINT",
}

# Every row would be refused, so the fault is in tables, rights or settings. In Arrow a type belongs
# to the column, not to a row: so 53 is here and not above.
MISCONFIGURED_CODES: Final[dict[int, str]] = {
    16: "NO_SUCH_COLUMN_IN_TABLE",
    20: "NUMBER_OF_COLUMNS_DOESNT_MATCH",
    36: "BAD_ARGUMENTS",
    43: "ILLEGAL_TYPE_OF_ARGUMENT",
    44: "ILLEGAL_COLUMN",
    47: "UNKNOWN_IDENTIFIER",
    50: "UNKNOWN_TYPE",
    53: "TYPE_MISMATCH",
    60: "UNKNOWN_TABLE",
    62: "SYNTAX_ERROR",
    70: "CANNOT_CONVERT_TYPE",
    73: "UNKNOWN_FORMAT",
    81: "UNKNOWN_DATABASE",
    115: "UNKNOWN_SETTING",
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    195: "IP_ADDRESS_NOT_ALLOWED",
    291: "DATABASE_ACCESS_DENIED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
}


class SinkError(Exception):
    """A write or read of the store failed. `code` is ClickHouse's, None if it gave none."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Retryable(SinkError):  # noqa: N818 - the name is the advice
    """The same write may succeed later."""


class NonRetryableError(SinkError):
    """The same rows will fail again; bisect and set the bad ones aside."""


class MisconfiguredError(SinkError):
    """Tables, rights or settings do not fit, or the code is unknown; hold and alert an operator."""


def advice_for(code: int | None) -> type[SinkError]:
    """The class of ClickHouse's *code*. None (no answer of ClickHouse's own) is Retryable."""
    if code is None or code in RETRYABLE_CODES:
        return Retryable
    return NonRetryableError if code in NON_RETRYABLE_CODES else MisconfiguredError
