"""The questions that analysts ask first, each with its heading and its SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from rich import box
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from railhead.dead_letters.plain_text import visible


class Question(NamedTuple):
    """A heading and the SQL that answers it; the client fills in `tenant` and `since`."""

    heading: str
    sql: str


QUESTIONS: Final = (
    Question(
        "Gross gaming revenue per day, game and currency (the best three in EUR and ETH)",
        """SELECT day, game_id, currency, bets, rollbackbets, wins, rollbackwins, ggr, players
FROM fasttrack.ggr_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} AND currency IN ('EUR', 'ETH')
ORDER BY currency DESC, day, ggr DESC LIMIT 3 BY day, currency""",
    ),
    Question(
        "Deposits and withdrawals per day and currency",
        """SELECT day, currency, deposits, withdrawals, net, depositors, withdrawers
FROM fasttrack.deposits_withdrawals_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} ORDER BY day, currency""",
    ),
    Question(
        "Active players per day",
        """SELECT day, players, casino_players, sports_players, paying_players, logged_in_players
FROM fasttrack.active_players_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} ORDER BY day""",
    ),
    Question(
        "Sports: stakes, payouts and margin per day (EUR shown)",
        """SELECT day, currency, stakes, payouts, margin, bets, settlements, cashouts, players
FROM fasttrack.sports_daily
WHERE tenant = {tenant:String} AND day >= {since:Date} AND currency = 'EUR' ORDER BY day""",
    ),
    Question(
        "Tournaments by legs bet on",
        """SELECT sports_name, tournament_name, count() AS legs, uniqExact(activity_id) AS slips,
    uniqExact(user_id) AS players, toDecimal64(avg(odds), 2) AS average_odds
FROM fasttrack.sports_bet_legs WHERE tenant = {tenant:String} AND type = 'Bet'
GROUP BY ALL ORDER BY legs DESC LIMIT 5""",
    ),
    Question(
        "One player's evening (of the one with most sports bets; its beginning)",
        """SELECT formatDateTime(timestamp, '%T') AS time, event, type, status, amount, currency,
    game_id, reference
FROM fasttrack.player_timeline
WHERE tenant = {tenant:String} AND timestamp >= {since:Date} AND user_id = (
    SELECT user_id FROM fasttrack.sports_bet
    WHERE tenant = {tenant:String} AND timestamp >= {since:Date}
    GROUP BY user_id ORDER BY count() DESC, user_id LIMIT 1)
ORDER BY timestamp LIMIT 14""",
    ),
)


def answers(client: Client, tenant: str, since: date) -> Iterator[Table]:
    """Ask every question about *tenant* from the day *since* on; yield each answer as a table."""
    for question in QUESTIONS:
        result = client.query(question.sql, parameters={"tenant": tenant, "since": since})
        table = Table(title=question.heading, title_justify="left", box=box.SIMPLE_HEAD)
        first = result.result_rows[0] if result.result_rows else ()
        for name, value in zip_longest(result.column_names, first):
            justify: JustifyMethod = "right" if isinstance(value, int | Decimal) else "left"
            table.add_column(name, justify=justify, overflow="fold")
        for row in result.result_rows:
            table.add_row(*(Text(shown(value)) for value in row))
        yield table


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
