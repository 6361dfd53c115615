"""The questions that analysts ask first, each with its heading and its SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from rich.table import Table

from railhead.dead_letters.plain_text import visible
from railhead.tables import TableColumn, fitted


class Question(NamedTuple):
    """A heading and the SQL that answers it; the client fills in `tenant` and `since`."""

    heading: str
    sql: str


QUESTIONS: Final = (
    Question(
        "Gross gaming revenue per day, game and currency (best three in EUR)",
        """SELECT formatDateTime(day, '%e %b') AS day, game_id, bets,
    rollbackbets AS "rollback bets", wins, rollbackwins AS "rollback wins", ggr
FROM fasttrack.ggr_daily AS daily
WHERE tenant = {tenant:String} AND daily.day >= {since:Date} AND currency = 'EUR'
ORDER BY daily.day, ggr DESC LIMIT 3 BY daily.day""",
    ),
    Question(
        "Return to player of each game (EUR, without what was rolled back)",
        """SELECT game_id, sum(daily.rounds) AS rounds,
    sum(daily.bets) - sum(rollbackbets) AS bets, sum(daily.wins) - sum(rollbackwins) AS wins,
    sum(daily.ggr) AS ggr, divideDecimal(100 * wins, bets, 2) AS "RTP %"
FROM fasttrack.ggr_daily AS daily
WHERE tenant = {tenant:String} AND day >= {since:Date} AND currency = 'EUR'
GROUP BY game_id HAVING bets > 0 ORDER BY bets DESC""",
    ),
    Question(
        "The game most played in ETH on a day, to the last digit",
        """SELECT day, game_id, bets, rollbackbets, wins, rollbackwins, ggr
FROM fasttrack.ggr_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} AND currency = 'ETH'
ORDER BY bets DESC LIMIT 1""",
    ),
    Question(
        "Deposits and withdrawals per day and currency (without BTC and ETH)",
        """SELECT formatDateTime(day, '%e %b') AS day, currency, depositors, deposits,
    withdrawals, net
FROM fasttrack.deposits_withdrawals_daily AS daily
WHERE tenant = {tenant:String} AND daily.day >= {since:Date} AND currency NOT IN ('BTC', 'ETH')
ORDER BY daily.day, currency""",
    ),
    Question(
        "Active players per day",
        """SELECT day, players, casino_players, sports_players, paying_players, logged_in_players
FROM fasttrack.active_players_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} ORDER BY day""",
    ),
    Question(
        "Sports: stakes, payouts and margin per day (EUR)",
        """SELECT formatDateTime(day, '%e %b') AS day, stakes, payouts, margin,
    divideDecimal(100 * margin, stakes, 2) AS "margin %", bets, cashouts, players
FROM fasttrack.sports_daily AS daily
WHERE tenant = {tenant:String} AND daily.day >= {since:Date} AND currency = 'EUR' AND bets > 0
ORDER BY daily.day""",
    ),
    Question(
        "Tournaments by legs bet on",
        """SELECT sports_name, tournament_name, count() AS legs, uniqExact(activity_id) AS slips,
    uniqExact(user_id) AS players, toDecimal64(avg(odds), 2) AS average_odds
FROM fasttrack.sports_bet_legs WHERE tenant = {tenant:String} AND type = 'Bet'
GROUP BY ALL ORDER BY legs DESC LIMIT 5""",
    ),
    Question(
        "One player's evening (of the one with most sports bets in EUR; its beginning)",
        """SELECT formatDateTime(timestamp, '%T') AS time,
    replaceOne(event, 'realtime-', '') AS what, type, amount, currency AS cur,
    if(game_id = '', reference, game_id) AS "game or reference"
FROM fasttrack.player_timeline
WHERE tenant = {tenant:String} AND timestamp >= {since:Date} AND user_id = (
    SELECT user_id FROM fasttrack.sports_bet
    WHERE tenant = {tenant:String} AND timestamp >= {since:Date} AND currency = 'EUR'
    GROUP BY user_id ORDER BY count() DESC, user_id LIMIT 1)
ORDER BY timestamp LIMIT 14""",
    ),
)


def answers(client: Client, tenant: str, since: date) -> Iterator[tuple[str, Table]]:
    """Ask every question about *tenant* from the day *since* on; yield headings and answers."""
    for question in QUESTIONS:
        result = client.query(question.sql, parameters={"tenant": tenant, "since": since})
        yield question.heading, as_table(result.column_names, result.result_rows)


def as_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Lay out an answer."""
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return fitted([column_of(*pair) for pair in zip(names, values, strict=True)])


def column_of(name: str, values: Sequence[Any]) -> TableColumn:
    """Write the values of a column; where an amount has cents, all have two places at least."""
    texts = [shown(value) for value in values]
    amounts = [isinstance(value, Decimal) for value in values]
    if any("." in text and amount for text, amount in zip(texts, amounts, strict=True)):
        texts = [
            f"{value:,.2f}" if amount and len(text.partition(".")[2]) < 2 else text
            for value, text, amount in zip(values, texts, amounts, strict=True)
        ]
    is_number = any(isinstance(value, int | Decimal) for value in values)
    return TableColumn(name.replace("_", " "), texts, is_number)


def shown(value: Any) -> str:
    """Write *value* for a person: exact, without trailing zeros."""
    match value:
        case None:
            return ""
        case Decimal():
            text = f"{value:,f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime() | date():
            return value.isoformat()
        case _:
            return visible(str(value))
