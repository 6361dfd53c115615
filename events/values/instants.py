"""The one rule by which an RFC 3339 text becomes nanoseconds since 1970 in UTC.

Offsets are applied, so one instant written in two zones is one number. Digits beyond the nanosecond
are cut off. A time outside the range of the column is refused where the contract requires a time;
where it is optional it becomes null, because clients write "not set" that way.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from events.contract.adjustments import Adjustment

NANOSECONDS: Final = 1_000_000_000
FRACTION_DIGITS: Final = 9
# ClickHouse's DateTime64(9) ends within 2262-04-11 and starts in 1900; both ends are whole days.
EARLIEST_NS: Final = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp()) * NANOSECONDS
LATEST_NS: Final = int(datetime(2262, 4, 11, tzinfo=UTC).timestamp()) * NANOSECONDS

RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
DAYS_OF_400_YEARS: Final = 146_097
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 - a day number has no zone


def read_instant(text: str) -> int:
    """Read *text*, a required time, as nanoseconds since the epoch, UTC.

    Raises:
        PydanticCustomError: `bad_time` if it is not RFC 3339 with an offset (as RFC 3339 has it:
            no space for the T, offsets to 23:59, years from 0000); `leap_second` or
            `time_out_of_range` if it is, but a column of nanoseconds cannot hold it.
    """
    instant, _ = adjusted_instant(text, optional=False)
    assert instant is not None  # noqa: S101 - only an optional time may be null
    return instant


def adjusted_instant(text: str, *, optional: bool) -> tuple[int | None, Adjustment | None]:
    """Read a time as it is stored; also tells how that differs from what was sent.

    Raises:
        PydanticCustomError: as `read_instant`, but an optional time out of range is None.
    """
    match = RFC_3339.fullmatch(text)
    if match is None:
        raise _bad_time()
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction = (match[7] or "").rstrip("0")
    offset_seconds = _offset_seconds(match[8], match[9], match[10])
    if hour > 23 or minute > 59 or second > 60:
        raise _bad_time()
    day_number = _day_number(year, month, day)
    if second == 60:
        raise _rejection("leap_second", "names a leap second, which no column can hold")
    seconds = (day_number - EPOCH_DAY) * 86_400 + hour * 3_600 + minute * 60 + second
    nanoseconds = int(fraction[:FRACTION_DIGITS].ljust(FRACTION_DIGITS, "0"))
    instant = (seconds - offset_seconds) * NANOSECONDS + nanoseconds
    if EARLIEST_NS <= instant < LATEST_NS:
        return instant, Adjustment.TIME_CUT if len(fraction) > FRACTION_DIGITS else None
    if optional:
        return None, Adjustment.TIME_UNSET
    raise _rejection("time_out_of_range", "is not from 1900-01-01 to 2262-04-10 in UTC")


def format_instant(instant: int) -> str:
    """Write nanoseconds since the epoch as `read_instant` reads them, in UTC."""
    seconds, nanoseconds = divmod(instant, NANOSECONDS)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def utc_text(moment: datetime) -> str:
    """Write *moment*, which is in UTC, as RFC 3339 with milliseconds."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _day_number(year: int, month: int, day: int) -> int:
    # RFC 3339 has a year 0000, Python has not; the calendar is the same every 400 years.
    shift = 0 if year else 400
    try:
        moment = datetime(year + shift, month, day)  # noqa: DTZ001 - a day number has no zone
    except ValueError:
        raise _bad_time() from None
    return moment.toordinal() - (DAYS_OF_400_YEARS if shift else 0)


def _offset_seconds(sign: str | None, hours: str | None, minutes: str | None) -> int:
    if sign is None or hours is None or minutes is None:
        return 0
    if int(hours) > 23 or int(minutes) > 59:
        raise _bad_time()
    seconds = int(hours) * 3_600 + int(minutes) * 60
    return -seconds if sign == "-" else seconds


def _rejection(reason: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(reason, message)


def _bad_time() -> PydanticCustomError:
    return _rejection("bad_time", "is not an RFC 3339 date-time with offset")


def _validate(value: object) -> int:
    if not isinstance(value, str):
        raise _rejection("wrong_type", "is not a string")
    return read_instant(value)


INSTANT_RULE: Final = PlainValidator(_validate)
"""Teaches pydantic the rule above; the JSON schema says "string (date-time)"."""

Instant = Annotated[int, INSTANT_RULE, WithJsonSchema({"type": "string", "format": "date-time"})]


def _null_outside(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return value if adjusted_instant(value, optional=True)[0] is not None else None
    except PydanticCustomError:
        return value


NULL_OUTSIDE_RANGE: Final = BeforeValidator(_null_outside)
"""Makes a time that no column can hold null, before the annotation's own rule."""

OptionalInstant = Annotated[Instant | None, NULL_OUTSIDE_RANGE]
