"""What the business views count."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.overlaps import OVERLAPS, Span, entry
from tests.sinks.rows import (
    APPENDED_MS,
    casinos,
    gamerounds,
    logins,
    payments,
    rejected,
    sports_bets,
)

DAY_NS = 86_400_000_000_000
D = Decimal


async def store(settings: StoreSettings, **tables: pa.Table) -> None:
    """Insert rows into several tables."""
    target = Store(settings)
    for table, rows in tables.items():
        await target.insert(table, rows, token=uuid.uuid4().hex)
    await target.close()


def read(sql: Client, view: str, columns: str, tenant: str) -> list[tuple[Any, ...]]:
    """Some columns of a tenant's rows of a view, in their own order."""
    query = f"SELECT {columns} FROM fasttrack.{view} WHERE tenant = {{tenant:String}} ORDER BY ALL"
    return [tuple(row) for row in sql.query(query, parameters={"tenant": tenant}).result_rows]


def moves(*given: tuple[str, str]) -> Sequence[dict[str, Any]]:
    """Casino events of type and amount."""
    return [{"type": kind, "amount": D(amount)} for kind, amount in given]


async def test_ggr_is_bets_less_wins_each_less_its_rollbacks(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """(bets - rollbackbets) - (wins - rollbackwins); loss moves no money."""
    rows = moves(
        ("bet", "10"), ("bet", "0.5"), ("rollbackbet", "0.5"), ("win", "4.000000000000000001"),
        ("rollbackwin", "1"), ("loss", "1000"),
    )  # fmt: skip
    await store(settings, casino=casinos(tenant, rows))

    columns = "bets, rollbackbets, wins, rollbackwins, ggr, events"
    assert read(sql, "ggr_daily", columns, tenant) == [
        (D("10.5"), D("0.5"), D("4.000000000000000001"), D(1), D("6.999999999999999999"), 6)
    ]


async def test_ggr_never_mixes_currencies_games_or_days(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Each has a row of its own; the day is the event's in UTC, to the nanosecond."""
    bet = {"type": "bet", "amount": D(1)}
    rows = [
        {**bet, "timestamp": DAY_NS - 1},
        {**bet, "timestamp": DAY_NS},
        {**bet, "timestamp": DAY_NS, "currency": "SEK"},
        {**bet, "timestamp": DAY_NS, "game_id": "h"},
    ]
    await store(settings, casino=casinos(tenant, rows))

    assert read(sql, "ggr_daily", "toString(day), game_id, currency, ggr", tenant) == [
        ("1970-01-01", "g", "EUR", D(1)),
        ("1970-01-02", "g", "EUR", D(1)),
        ("1970-01-02", "g", "SEK", D(1)),
        ("1970-01-02", "h", "EUR", D(1)),
    ]


async def test_bonus_money_follows_its_stake(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """A stake given back takes its bonus part back."""
    rows = [
        {"type": "bet", "amount": D(5), "bonus_wager_amount": D(2)},
        {"type": "rollbackbet", "amount": D(5), "bonus_wager_amount": D("0.5")},
        {"type": "win", "amount": D(5), "bonus_wager_amount": D(9)},
    ]
    await store(settings, casino=casinos(tenant, rows))

    assert read(sql, "ggr_daily", "bonus_bets", tenant) == [(D("1.5"),)]


async def test_a_days_far_ahead_is_its_own_day(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Days go on past 2149, where ClickHouse's Date ends."""
    rows = [{"type": "bet", "amount": D(1), "timestamp": 9_223_286_399_999_999_999}]
    await store(settings, casino=casinos(tenant, rows))

    assert read(sql, "ggr_daily", "toString(day)", tenant) == [("2262-04-10",)]


async def test_game_rounds_are_counted_apart_from_casino_events(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """An operator may send one round both ways; it must not count twice."""
    rounds = [{"total_bet_user": D(3), "total_win_user": D(1), "bonus_bet_user": D(2)}]
    await store(
        settings,
        casino=casinos(tenant, moves(("bet", "3"), ("win", "1"))),
        gameround=gamerounds(tenant, rounds),
    )

    assert read(sql, "ggr_daily", "ggr", tenant) == [(D(2),)]
    columns = "bets, wins, ggr, bonus_bets, rounds"
    assert read(sql, "ggr_gameround_daily", columns, tenant) == [(D(3), D(1), D(2), D(2), 1)]


async def test_approved_credits_are_deposits_and_debits_withdrawals(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """In upper or lower case; rollbacks take back; what is not approved counts nowhere."""
    rows = [
        {"type": kind, "status": status, "amount": D(amount)}
        for kind, status, amount in (
            ("credit", "approved", 100), ("Credit", "Approved", "0.1"), ("CREDIT", "ROLLBACK", 10),
            ("Debit", "Approved", 30), ("credit", "Requested", 1000), ("chargeback", "approved", 7),
        )
    ]  # fmt: skip
    await store(settings, payment=payments(tenant, rows))

    columns = (
        "deposits, withdrawals, net, deposit_count, withdrawal_count, rollback_count, uncounted"
    )
    assert read(sql, "deposits_withdrawals_daily", columns, tenant) == [
        (D("90.1"), D(30), D("60.1"), 2, 1, 1, 2)
    ]


async def test_a_player_is_active_once_a_day(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Whatever he does there."""
    await store(
        settings,
        casino=casinos(tenant, [{"user_id": "a"}, {"user_id": "b"}]),
        gameround=gamerounds(tenant, [{"user_id": "c"}]),
        sports_bet=sports_bets(tenant, [{"user_id": "a"}]),
        payment=payments(tenant, [{"user_id": "a"}]),
        login=logins(tenant, ["1", "2"], [1, 2]),
    )

    columns = "players, casino_players, sports_players, paying_players, logged_in_players"
    assert read(sql, "active_players_daily", columns, tenant) == [(4, 3, 1, 1, 1)]


async def test_sports_margin_is_stakes_less_payouts(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Rollbacks take back; requested and rejected bets move no money."""
    rows = [
        {"type": kind, "status": status, "amount": D(amount), "is_cashout": cashout}
        for kind, status, amount, cashout in (
            ("Bet", "Approved", 10, False), ("bet", "approved", 5, False),
            ("Bet", "Rollback", 5, False), ("Settlement", "Approved", "7.5", False),
            ("Settlement", "Approved", 1, True), ("Bet", "Rejected", 99, False),
            ("Bet", "Requested", 99, False), ("Bonus", "Approved", 99, False),
        )
    ]  # fmt: skip
    await store(settings, sports_bet=sports_bets(tenant, rows))

    columns = "stakes, payouts, margin, bets, settlements, cashouts, rollbacks, uncounted"
    assert read(sql, "sports_daily", columns, tenant) == [
        (D(10), D("8.5"), D("1.5"), 2, 2, 1, 1, 3)
    ]


async def test_a_timeline_shows_all_a_player_did_in_order(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """All types in one shape."""
    me = {"user_id": "me"}
    await store(
        settings,
        casino=casinos(tenant, [{**me, "timestamp": 2, "amount": D(1)}, {"user_id": "other"}]),
        gameround=gamerounds(
            tenant, [{**me, "timestamp": 1, "total_bet_user": D(2), "total_win_user": D(3)}]
        ),
        payment=payments(tenant, [{**me, "timestamp": 0, "amount": D(4)}]),
    )

    result = sql.query(
        "SELECT event, type, amount, paid, currency FROM fasttrack.player_timeline "
        "WHERE tenant = {tenant:String} AND user_id = 'me' ORDER BY timestamp",
        parameters={"tenant": tenant},
    )
    assert [tuple(row) for row in result.result_rows] == [
        ("realtime-payment", "credit", D(4), None, "EUR"),
        ("realtime-gameround", "", D(2), D(3), "EUR"),
        ("realtime-casino", "bet", D(1), None, "EUR"),
    ]


async def test_a_late_range_gives_way(settings: StoreSettings, sql: Client, tenant: str) -> None:
    """The view hides what `counting` leaves out; each case is a topic."""
    target = Store(settings)
    await target.write_ledger(
        [entry(f"{tenant} {name}", one) for name, case in OVERLAPS.items() for one in case.ranges]
    )
    await target.close()

    result = sql.query(
        "SELECT topic, first, last, generation FROM fasttrack.ledger "
        "WHERE startsWith(topic, {tenant:String}) ORDER BY first, last",
        parameters={"tenant": f"{tenant} "},
    )
    shown: dict[str, list[Span]] = {name: [] for name in OVERLAPS}
    for topic, *span in result.result_rows:
        shown[topic.removeprefix(f"{tenant} ")].append(tuple(span))
    assert shown == {name: case.counting for name, case in OVERLAPS.items()}


async def test_an_item_refused_again_and_again_is_one_item(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """It shows when it came first and last, how often, and where it first came from."""
    came = [
        {"request_id": "second", "position": 4, "received_ms": APPENDED_MS + 1_000},
        {"request_id": "first", "position": 0, "message": "first report"},
        {"request_id": "third", "position": 0, "received_ms": APPENDED_MS + 2_500},
    ]
    rows = [rejected(tenant, number, **given) for number, given in enumerate(came)]
    # The same refusal reported again is no other time.
    rows.append(rejected(tenant, 9, report="number-2:0", **came[2]))
    await store(settings, rejected=pa.concat_tables(rows))

    columns = (
        "toString(first_seen), toString(last_seen), times, message, request_id, position, topic, "
        "partition, offset"
    )
    assert read(sql, "rejected_items", columns, tenant) == [
        (
            "2026-01-02 00:00:00.000", "2026-01-02 00:00:02.500", 3, "first report", "first", 0, "",
            None, None,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [{"event": "x"}, {"reason": "x"}, {"field": "x"}, {"raw": "{ }"}],
    ids=lambda other: next(iter(other)),
)
async def test_what_differs_in_anything_is_another_item(
    settings: StoreSettings, sql: Client, tenant: str, other: dict[str, str]
) -> None:
    """Event, reason, field and bytes make an item; a record keeps its coordinate."""
    record = {"topic": "fasttrack.realtime-login", "partition": 0, "offset": 7}
    rows = [rejected(tenant, 1, position=0), rejected(tenant, 2, **record, **other)]
    await store(settings, rejected=pa.concat_tables(rows))

    assert read(sql, "rejected_items", "times, position, topic, partition, offset", tenant) == [
        (1, 0, "", None, None),
        (1, None, "fasttrack.realtime-login", 0, 7),
    ]


def test_items_of_one_tenant_are_grouped_without_reading_the_others(sql: Client) -> None:
    """The condition on the tenant reaches the table's key through the view."""
    plan = sql.query(
        "EXPLAIN indexes = 1 SELECT times FROM fasttrack.rejected_items WHERE tenant = 'somebody'"
    )

    text = "\n".join(row[0] for row in plan.result_rows)
    assert "tenant in ['somebody', 'somebody']" in text


MONEY = "99999999999999999999.999999999999999999"
ROLLED_BACK = [
    {"type": kind, "status": status, "amount": D(amount), "bonus_wager_amount": D("0.3")}
    for amount in ("7.5", MONEY, "-1")
    for kind in ("bet", "win", "rollbackbet", "rollbackwin", "credit", "debit", "settlement")
    for status in ("approved", "rollback", "requested")
]


async def test_what_a_column_says_it_equals_it_equals(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Whatever a daily view prints adds up from other columns that it prints."""
    await store(
        settings,
        casino=casinos(tenant, ROLLED_BACK),
        payment=payments(tenant, ROLLED_BACK),
        sports_bet=sports_bets(tenant, ROLLED_BACK),
        gameround=gamerounds(tenant, [{"total_bet_user": D(MONEY), "total_win_user": D(2)}] * 3),
    )
    stated = sql.query(
        "SELECT table, name, extract(comment, 'equals ([^;]+)$') AS sum FROM system.columns "
        "WHERE database = 'fasttrack' AND comment LIKE '% equals %'"
    ).result_rows

    broken = []
    for view, column, formula in stated:
        rows = read(sql, view, f"{column} - ({formula}), {column} != 0", tenant)
        if not rows or any(difference for difference, _ in rows):
            broken.append((view, column, rows))

    assert broken == []
    assert {view for view, _, _ in stated} == {
        "ggr_daily", "ggr_gameround_daily", "deposits_withdrawals_daily", "sports_daily",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("view", "net"),
    [
        ("ggr_daily", {"ggr", "bonus_bets"}),
        ("ggr_gameround_daily", {"ggr"}),
        ("deposits_withdrawals_daily", {"deposits", "withdrawals", "net", "uncounted"}),
        ("sports_daily", {"stakes", "payouts", "margin", "bonus_stakes", "uncounted"}),
    ],
)
def test_a_net_column_states_what_it_equals(sql: Client, view: str, net: set[str]) -> None:
    """What is subtracted is shown."""
    stated = sql.query(
        "SELECT name FROM system.columns WHERE database = 'fasttrack' AND table = {view:String} "
        "AND comment LIKE '% equals %'",
        parameters={"view": view},
    ).result_rows

    assert {name for (name,) in stated} == net
