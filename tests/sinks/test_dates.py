"""What date functions say about accepted times, as analysts ask: the right day, or an error."""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import NS, casinos, logins, replace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = [
    datetime.fromisoformat(f"{text}+00:00")
    for text in (
        "1900-01-01T00:00:01", "1912-05-05T12:00:00", "1955-11-05T10:11:12",
        "1969-12-31T23:59:59", "1970-01-01T00:00:00", "2024-02-29T12:30:31", "2038-01-19T03:14:08",
        "2106-02-07T06:28:16", "2149-06-07T00:00:00", "2200-12-31T23:59:59", "2262-04-10T23:59:59",
    )
]  # fmt: skip


def moment(time: datetime) -> str:
    """A time as ClickHouse prints it, without a fraction."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


def days_since_2000(time: datetime) -> str:
    """Days from the time to the year 2000."""
    return str((date(2000, 1, 1) - time.date()).days)


def seconds(time: datetime) -> int:
    """Seconds since 1970."""
    return int((time - EPOCH).total_seconds())


def monday(time: datetime) -> date:
    """The day its week begins."""
    return time.date() - timedelta(days=time.weekday())


def last_day(time: datetime) -> date:
    """The day its month ends."""
    return time.date().replace(day=calendar.monthrange(time.year, time.month)[1])


Y2000 = "toDateTime64('2000-01-01 00:00:00', 9, 'UTC')"
RIGHT: dict[str, Callable[[datetime], object]] = {
    **dict.fromkeys(
        ("toDate(t)", "toDate32(t)", "CAST(t AS Date)", "t::Date", "DATE(t)", "toDate(toDate32(t))",
         "CAST(t AS Nullable(Date))", "accurateCast(t, 'Date')", "toDate(t, 'UTC')"),
        datetime.date,
    ),
    **dict.fromkeys(
        ("toDateTime(t)", "CAST(t AS DateTime)", "t::DateTime('UTC')", "toDateTime32(t)"), moment
    ),
    **dict.fromkeys(
        ("toStartOfDay(t)", "date_trunc('day', t)", "toStartOfInterval(t, INTERVAL 1 DAY)"),
        lambda t: f"{t:%Y-%m-%d} 00:00:00",
    ),
    **dict.fromkeys(
        ("toStartOfHour(t)", "dateTrunc('hour', t)", "toStartOfInterval(t, INTERVAL 1 HOUR)"),
        lambda t: f"{t:%Y-%m-%d %H}:00:00",
    ),
    "toStartOfMinute(t)": lambda t: f"{t:%Y-%m-%d %H:%M}:00",
    "toStartOfFiveMinutes(t)": lambda t: f"{t:%Y-%m-%d %H}:{t.minute // 5 * 5:02}:00",
    **dict.fromkeys(
        ("toStartOfMonth(t)", "date_trunc('month', t)", "toStartOfMonth(toDate32(t))",
         "toStartOfInterval(t, INTERVAL 1 MONTH)"),
        lambda t: t.date().replace(day=1),
    ),
    **dict.fromkeys(("toStartOfYear(t)", "date_trunc('year', t)"), lambda t: date(t.year, 1, 1)),
    "toStartOfQuarter(t)": lambda t: date(t.year, (t.month - 1) // 3 * 3 + 1, 1),
    **dict.fromkeys(
        ("toMonday(t)", "toStartOfWeek(t, 1)", "date_trunc('week', t)"), monday
    ),
    **dict.fromkeys(("toLastDayOfMonth(t)", "LAST_DAY(t)"), last_day),
    "toYYYYMM(t)": lambda t: f"{t:%Y%m}",
    "toYYYYMMDD(t)": lambda t: f"{t:%Y%m%d}",
    "toYear(t)": lambda t: t.year,
    "toMonth(t)": lambda t: t.month,
    "toDayOfMonth(t)": lambda t: t.day,
    "toDayOfYear(t)": lambda t: t.timetuple().tm_yday,
    "toDayOfWeek(t)": lambda t: t.isoweekday(),
    "toISOWeek(t)": lambda t: t.isocalendar().week,
    "toHour(t)": lambda t: t.hour,
    "formatDateTime(t, '%F %T')": moment,
    "dateDiff('day', t, Y)": days_since_2000,
    "dateDiff('second', t, Y)": lambda t: seconds(datetime(2000, 1, 1, tzinfo=UTC)) - seconds(t),
    "dateDiff('year', t, Y)": lambda t: 2000 - t.year,
    "toUnixTimestamp(t)": seconds,
    "toUnixTimestamp64Milli(t)": lambda t: seconds(t) * 1000,
    "toUnixTimestamp64Nano(t)": lambda t: seconds(t) * 10**9,
    "toInt64(t)": seconds,
    "toUInt32(t)": seconds,
    "toInt32(t)": seconds,
    "toDateTime64(t, 3)": lambda t: f"{moment(t)}.000",
    "toDate32(toTimeZone(t, 'Etc/GMT-2'))": lambda t: (t + timedelta(hours=2)).date(),
    "toDate(t, 'Etc/GMT-2')": lambda t: (t + timedelta(hours=2)).date(),
    "toHour(t, 'Etc/GMT-2')": lambda t: (t + timedelta(hours=2)).hour,
    "t < toDate('2000-01-01')": lambda t: int(t.year < 2000),
    "toDate(t) < toDate('2000-01-01')": lambda t: int(t.year < 2000),
    "toDate32(t) = toDate('1970-01-01')": lambda t: int(t.date() == EPOCH.date()),
}  # fmt: skip


@pytest.fixture
async def dated(settings: StoreSettings, tenant: str) -> str:
    """A tenant with one login and one bet at each of the times."""
    store = Store(settings)
    ids = [str(number) for number in range(len(TIMES))]
    nanoseconds = [seconds(time) * 10**9 for time in TIMES]
    rows = replace(
        logins(tenant, ids, range(len(ids))), "timestamp", pa.array(nanoseconds).cast(NS)
    )
    await store.insert("login", rows, token=uuid.uuid4().hex)
    bets = casinos(tenant, [{"type": "bet", "timestamp": one} for one in nanoseconds])
    await store.insert("casino", bets, token=uuid.uuid4().hex)
    await store.close()
    return tenant


def said(analyst: Client, tenant: str, expression: str, number: int) -> str | None:
    """What the engine prints for *expression* of one time; None if it refuses."""
    query = (
        f"SELECT toString({expression.replace('Y)', Y2000 + ')')}) "
        "FROM (SELECT timestamp AS t FROM fasttrack.login "
        "WHERE tenant = {tenant:String} AND unique_id = {id:String})"
    )
    try:
        result = analyst.query(query, parameters={"tenant": tenant, "id": str(number)})
    except DatabaseError:
        return None
    return str(result.result_rows[0][0])


@pytest.mark.parametrize("expression", RIGHT)
async def test_a_date_function_says_the_right_day_or_refuses(
    analyst: Client, dated: str, expression: str
) -> None:
    """From 1900 to 2262, also where Date (1970 to 2149) and DateTime (to 2106) end."""
    wrong = []
    for number, time in enumerate(TIMES):
        answer = said(analyst, dated, expression, number)
        right = str(RIGHT[expression](time))
        if answer not in (None, right, f"{right}.000000000"):
            wrong.append((str(time), answer, right))

    assert wrong == []


@pytest.mark.parametrize("expression", ["toDate32(t)", "toStartOfMonth(t)", "toStartOfDay(t)"])
async def test_there_is_a_right_answer_for_every_accepted_time(
    analyst: Client, dated: str, expression: str
) -> None:
    """Not everything is refused."""
    answers = [said(analyst, dated, expression, number) for number in range(len(TIMES))]

    assert None not in answers


@pytest.mark.parametrize("view", ["ggr_daily", "active_players_daily"])
async def test_the_days_of_daily_views_are_right_for_every_accepted_time(
    analyst: Client, dated: str, view: str
) -> None:
    """Date32 reaches as far as timestamps do."""
    query = f"SELECT toString(day) FROM fasttrack.{view} WHERE tenant = {{t:String}} ORDER BY day"

    days = [row[0] for row in analyst.query(query, parameters={"t": dated}).result_rows]

    assert days == [str(time.date()) for time in TIMES]


@pytest.mark.parametrize(
    "setting",
    ["date_time_overflow_behavior='ignore'", "enable_extended_results_for_datetime_functions=0",
     "decimal_check_overflow=0"],
)  # fmt: skip
async def test_an_analyst_cannot_ask_for_silence(analyst: Client, setting: str) -> None:
    """The settings that make a wrong answer an error are pinned."""
    with pytest.raises(DatabaseError, match="should not be changed"):
        analyst.query(f"SELECT toDate(timestamp) FROM fasttrack.login SETTINGS {setting}")
