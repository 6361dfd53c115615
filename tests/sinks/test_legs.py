"""A leg of a bet comes out of its view as it was sent, and none hides the others."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from railhead.doctor.finding import State
from railhead.doctor.parts.database import migrations
from sinks import fill
from sinks.fill import fill_lists
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import slips, sports_bets

LEGS = r"""[
 {"tournament_name": "Cup: 1, -2", "sports_name": "\"x\" 3 \\", "odds" : 1.123456789012345678,
  "match_start": "2025-01-15T14:00:00.123456789+02:00", "is_live": true, "market": null,
  "outcomes": [{"p": -0.12345678901234567890, "n": 12345678901234567890123, "t": "1.5","e": 1E-7}]},
 {"odds": 1e1, "sports_name": "é👩‍👩‍👧", "tournament_name": "", "event_name": "A - B",
  "match_start": "2025-01-15t12:00:00z", "is_free_bet": true, "meta": {"k": [1, {"odds": 2}]}}
]"""
COLUMNS = (
    "leg, legs, sports_name, tournament_name, event_name, market, toString(odds), "
    "toString(match_start), is_live, is_free_bet, is_risk_free_bet, outcomes, meta"
)
FIRST = (
    1, 2, '"x" 3 \\', "Cup: 1, -2", None, None, "1.123456789012345678",
    "2025-01-15 12:00:00.123456789", True, False, False,
    '[{"p": -0.12345678901234567890, "n": 12345678901234567890123, "t": "1.5","e": 1E-7}]', "",
)  # fmt: skip
SECOND = (
    2, 2, "é👩‍👩‍👧", "", "A - B", None, "10", "2025-01-15 12:00:00.000000000",
    False, True, False, "", '{"k": [1, {"odds": 2}]}',
)  # fmt: skip


async def store(settings: StoreSettings, rows: pa.Table) -> None:
    """Insert rows of sports_bet."""
    target = Store(settings)
    await target.insert("sports_bet", rows, token=uuid.uuid4().hex)
    await target.close()


def read(sql: Client, columns: str, tenant: str, order: str = "activity_id, leg") -> list[Any]:
    """Some columns of a tenant's legs."""
    query = (
        f"SELECT {columns} FROM fasttrack.sports_bet_legs WHERE tenant = {{tenant:String}} "
        f"ORDER BY {order}"
    )
    return [tuple(row) for row in sql.query(query, parameters={"tenant": tenant}).result_rows]


def leg(**fields: str) -> str:
    """A leg whose fields are given as JSON text."""
    sent = {"sports_name": '"s"', "tournament_name": '"t"', "odds": "2", **fields}
    return "[{" + ",".join(f'"{name}":{text}' for name, text in sent.items()) + "}]"


async def test_a_leg_is_a_row_as_it_was_sent(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Numbers keep their digits, times are UTC, free content is the text that was sent."""
    await store(settings, slips(tenant, [LEGS]))

    assert read(sql, COLUMNS, tenant) == [FIRST, SECOND]


async def test_a_bet_without_legs_has_no_row(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Neither null, nothing nor an empty list is a leg."""
    await store(settings, slips(tenant, [None, "null", "[]", " [ ] ", leg()]))

    assert read(sql, "activity_id", tenant) == [("4",)]


ODDS = [
    "0e21", "0e999999999999", "-0", "0.000000000000000000000000000", "1e1", "15E-1", "1.50",
    "1.500000000000000000000000000000000000000000", "99999999999999999999.999999999999999999",
    "-99999999999999999999", "0.000000000000000001", "12300000000000000000000e-3",
]  # fmt: skip


async def test_odds_that_the_check_accepts_are_exact_whatever_they_look_like(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """No way to write a number makes the view fail, for this tenant or another."""
    rows = slips(tenant, [leg(odds=text) for text in ODDS])
    await store(settings, rows)

    odds = [
        (Decimal(text),) for (text,) in read(sql, "toString(odds)", tenant, "toInt32(activity_id)")
    ]

    assert odds == [(Decimal(text),) if "e9" not in text else (Decimal(0),) for text in ODDS]
    ((count,),) = sql.query("SELECT count(odds) FROM fasttrack.sports_bet_legs").result_rows
    assert count >= len(ODDS)


CONTENTS = [
    r'{"a":"\u0001"}', r'{"a":"\u00015\u0001"}', r'{"\u0001":1.50}', '{"a":"\x7f"}',
    r'{"a":"\u0000"}', r'{"a":"\"\u0001\"7"}', r'{"a":"x\\"}', '{"number":"15e-1"}', "{}",
    '{"a":1e400,"b":[1.0,{"odds":2}],"c":"1.5"}', r'{"a":"\ud83d\udc69"}', '{ "a" : null }',
]  # fmt: skip


async def test_free_content_is_the_text_that_was_sent(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Nothing in it means anything to us."""
    rows = slips(tenant, [leg(meta=one, outcomes=f"[{one}]") for one in CONTENTS])
    await store(settings, rows)

    found = read(sql, "meta, outcomes", tenant, "toInt32(activity_id)")

    assert found == [(one, f"[{one}]") for one in CONTENTS]


TEXTS = ["", "\0", "a\0b", "\x01", "\x01\x015", '"', "\\", "\\u0001", "null", "é\u0301", "\n\t\x1b"]


@pytest.mark.parametrize("count", [1, 60])
async def test_names_keep_every_character(
    settings: StoreSettings, sql: Client, tenant: str, count: int
) -> None:
    """However many bets are read at once."""
    fields = [{"sports_name": json.dumps(text), "market": json.dumps(text)} for text in TEXTS]
    await store(settings, slips(tenant, [leg(**one) for one in fields] * count))

    found = read(sql, "sports_name, market", tenant, "toInt32(activity_id)")

    assert found == [(text, text) for text in TEXTS] * count


TIMES = {
    "2025-01-15T12:00:00Z": "2025-01-15 12:00:00.000000000",
    "2025-01-15t12:00:00.1z": "2025-01-15 12:00:00.100000000",
    "2025-01-15T00:30:00+14:00": "2025-01-14 10:30:00.000000000",
    "1900-01-01T00:00:00Z": "1900-01-01 00:00:00.000000000",
    "1955-11-05T23:59:59.999999999Z": "1955-11-05 23:59:59.999999999",
    "2262-04-10T23:59:59.999999999-00:00": "2262-04-10 23:59:59.999999999",
}


async def test_a_match_starts_when_it_was_said_to(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """In every way that RFC 3339 has to say it, for all times that are accepted."""
    await store(settings, slips(tenant, [leg(match_start=json.dumps(text)) for text in TIMES]))

    found = read(sql, "toString(match_start)", tenant)

    assert found == [(text,) for text in TIMES.values()]


async def test_noise_and_unset_times_of_a_leg_follow_the_rule_of_all_fields(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Odds are rounded at the 18th place; a start that no column can hold is NULL."""
    noisy = leg(odds="0.0035999999999999995", match_start='"0001-01-01T00:00:00Z"')
    await store(settings, slips(tenant, [noisy]))

    assert read(sql, "toString(odds), match_start", tenant) == [("0.0036", None)]


@pytest.mark.parametrize("copies", [1, 300])
def test_legs_are_read_the_same_one_by_one_and_by_the_thousand(copies: int) -> None:
    """With their bets in any order of those that have legs and those that have not."""
    bets = [LEGS, None, "[]", leg(odds="0e21"), leg(meta=CONTENTS[0]), leg()]
    alone = [slips("t", [text]) for text in bets]

    together = slips("t", bets * copies)

    for name in [one for one in together.column_names if one.startswith("_bets_")]:
        expected = [table[name].to_pylist()[0] for table in alone] * copies
        assert together[name].to_pylist() == expected


def test_a_bet_without_legs_that_is_compared_as_text_has_empty_lists() -> None:
    """The columns are those of other bets."""
    many = slips("t", [None] * 400)

    assert many.schema == slips("t", [leg()]).schema
    assert set(map(len, many["_bets_odds"].to_pylist())) == {0}
    assert set(many["_bets_read"].to_pylist()) == {1}


OLD: list[dict[str, Any]] = [
    {"bets": LEGS}, {"bets": leg(odds="0e21")}, {"bets": leg(meta=CONTENTS[1])}, {"bets": None},
    {"bets": "[]"}, {"bets": "no json"}, {"bets": '{"a":1}'}, {"bets": leg(odds='"2"')},
    {"bets": leg(odds="1e99")}, {"bets": "[1]"},
]  # fmt: skip
NO_LEGS = {"3", "4", "5", "6", "7", "8", "9"}


def filled(sql: Client) -> list[str]:
    """What a migration says of the rows it filled."""
    return list(fill_lists(sql))


async def test_bets_that_were_stored_before_get_their_legs(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """By the same rules; a bet whose text is no list of legs stays a bet."""
    filled(sql)
    await store(settings, sports_bets(tenant, OLD))
    before = sql.query(
        "SELECT * FROM fasttrack.sports_bet WHERE tenant = {t:String} ORDER BY activity_id",
        parameters={"t": tenant},
    ).result_rows
    assert read(sql, "leg", tenant) == []

    said = filled(sql)

    assert said == ["filled bets of 9 rows of sports_bet; in 5 it is no list of the contract"]
    assert filled(sql) == []
    assert read(sql, COLUMNS, tenant)[:2] == [FIRST, SECOND]
    assert read(sql, "odds, meta", tenant)[2:] == [(Decimal(0), ""), (Decimal(2), CONTENTS[1])]
    after = sql.query(
        "SELECT * FROM fasttrack.sports_bet WHERE tenant = {t:String} ORDER BY activity_id",
        parameters={"t": tenant},
    ).result_rows
    assert after == before


@pytest.mark.parametrize(("written", "left"), [(True, 3), (False, 5)])
async def test_a_run_that_died_is_continued(
    settings: StoreSettings,
    sql: Client,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    written: bool,
    left: int,
) -> None:
    """Before its second batch was written, or after: no bet is left out, none is filled again."""
    filled(sql)
    await store(settings, sports_bets(tenant, [{"bets": leg()}] * 7))
    replace, batches = fill._replace, []

    def die(client: Client, table: str, rows: pa.Table) -> None:
        batches.append(rows)
        if written or len(batches) == 1:
            replace(client, table, rows)
        if len(batches) == 2:
            raise RuntimeError

    with monkeypatch.context() as dying:
        dying.setattr(fill, "BATCH_ROWS", 2)
        dying.setattr(fill, "_replace", die)
        with pytest.raises(RuntimeError):
            filled(sql)

    assert filled(sql) == [f"filled bets of {left} rows of sports_bet"]
    assert len(read(sql, "leg", tenant)) == 7


async def test_doctor_warns_of_bets_that_wait_for_their_legs(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Until they are filled; bets without legs have nothing to wait for."""
    filled(sql)
    assert migrations(sql).state is State.OK
    await store(settings, sports_bets(tenant, [{"bets": leg()}, {"bets": None}]))

    finding = migrations(sql)

    assert (finding.state, finding.advice) == (State.WARN, "Run `railhead migrate`.")
    assert "1 of sports_bet" in finding.says
    filled(sql)
    assert migrations(sql).state is State.OK


async def test_what_an_older_worker_writes_later_is_filled_by_the_next_run(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """And a row that it writes again does not undo it, in any merge."""
    old = sports_bets(tenant, [{"bets": LEGS}])
    await store(settings, old)
    filled(sql)
    await store(settings, old)

    assert read(sql, COLUMNS, tenant) == [FIRST, SECOND]
    assert filled(sql) == []
    sql.command("OPTIMIZE TABLE fasttrack_store.sports_bet FINAL")
    assert read(sql, COLUMNS, tenant) == [FIRST, SECOND]
    assert (
        sql.command(
            "SELECT count() FROM fasttrack.sports_bet WHERE tenant = {t:String}",
            parameters={"t": tenant},
        )
        == 1
    )
