"""Arithmetic that an analyst writes over the views: the right number, or an error."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import casinos, gamerounds, logins, payments, slips, sports_bets

D = Decimal
MOST = "99999999999999999999.999999999999999999"
LEAST = "0.000000000000000001"
PAIRS = [
    ("300", "50"), ("13.4", "13"), ("-7.25", "2"), ("1", LEAST), (LEAST, MOST), (MOST, MOST),
    (MOST, "-" + MOST), ("-" + MOST, LEAST), (MOST, "3"), ("170.2", "170.2"), ("0", "5"),
]  # fmt: skip


def quotient(one: Decimal, other: Decimal) -> Decimal:
    """A quotient of two, with more digits than any column has."""
    return one / other


Two = Callable[[Decimal, Decimal], Any]
OF_TWO: dict[str, Two] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": quotient,
    "a * a": lambda a, _: a * a,
    "a * b * a": lambda a, b: a * b * a,
    "a * a * a * a": lambda a, _: a * a * a * a,
    "a * a / b": lambda a, b: a * a / b,
    "a / b * 100": lambda a, b: round(D(int(a / b * 10**18)) / 10**18 * 100, 18),
    "a / b / b": lambda a, b: a / b / b,
    "(a - b) / a": lambda a, b: (a - b) / a if a else None,
    "a % b": lambda a, b: a - b * int(a / b),
    "a % 7": lambda a, _: a - 7 * int(a / 7),
    "modulo(a, 7)": lambda a, _: a - 7 * int(a / 7),
    "positiveModulo(a, 7)": lambda a, _: (a - 7 * int(a / 7)) % 7,
    "a % toDecimal256(7, 18)": lambda a, _: a - 7 * int(a / 7),
    "intDiv(a, 7)": lambda a, _: int(a / 7),
    "intDiv(a, b)": lambda a, b: int(a / b),
    "a * 2": lambda a, _: a * 2,
    "a * 9000000000000000000": lambda a, _: a * 9000000000000000000,
    "a * 9000000000000000000 * 9000000000000000000": lambda a, _: a * 9000000000000000000**2,
    "a * toInt256('9000000000000000000000000000000000000000')": lambda a, _: a * 9 * D(10) ** 39,
    "7 * a": lambda a, _: a * 7,
    "a / 7": lambda a, _: a / 7,
    "7 / b": lambda _, b: 7 / b,
    "a / toInt64(7)": lambda a, _: a / 7,
    "a * 0.5": lambda a, _: a / 2,
    "-a": lambda a, _: -a,
    "negate(a) - b": lambda a, b: -a - b,
    "abs(a)": lambda a, _: abs(a),
    "round(a, 2)": lambda a, _: round(a, 2) if a == round(a, 2) else None,
    "toDecimal128(a, 18)": lambda a, _: a,
    "toDecimal128(a, 30)": lambda a, _: a,
    "toDecimal256(a, 50)": lambda a, _: a,
    "toDecimal256(a, 70)": lambda a, _: a,
    "CAST(a AS Decimal(38, 37))": lambda a, _: a,
    "toDecimal128(a, 18) * toDecimal128(b, 18)": lambda a, b: a * b,
    "toDecimal128(a, 18) / toDecimal128(b, 18)": quotient,
    "toFloat64(a)": lambda a, _: a,
    "toInt64(a)": lambda a, _: int(a),
    "toInt128(a)": lambda a, _: int(a),
    "toUInt8(a)": lambda a, _: int(a),
    "toInt256(a)": lambda a, _: int(a),
    "toString(a)": lambda a, _: a,
    "multiplyDecimal(a, b, 18)": lambda a, b: a * b,
    "divideDecimal(a, b, 18)": quotient,
    "divideDecimal(a, b, 6)": quotient,
    "toFloat64(a) / toFloat64(b)": quotient,
    "a > b": lambda a, b: int(a > b),
    "a = b": lambda a, b: int(a == b),
    "a > 1": lambda a, _: int(a > 1),
    "a < toDecimal128(1, 38)": lambda a, _: int(a < 1),
    "a < toDecimal256(1, 70)": lambda a, _: int(a < 1),
    "a BETWEEN -1 AND 100": lambda a, _: int(-1 <= a <= 100),
    "a + toDecimal256(1, 70)": lambda a, _: a + 1,
    "greatest(a, b)": max,
    "least(a, b)": min,
    "if(a > b, a, b)": max,
    "arraySum([a, b])": lambda a, b: a + b,
    "arrayMap(x -> x * a, [b])[1]": lambda a, b: a * b,
}
Many = Callable[[Sequence[Decimal], Sequence[Decimal]], Any]
OF_MANY: dict[str, Many] = {
    "sum(a)": lambda a, _: sum(a),
    "sumIf(a, b > 0)": lambda a, b: sum(x for x, y in zip(a, b, strict=True) if y > 0),
    "sum(a) * 2": lambda a, _: sum(a) * 2,
    "sum(a) / count()": lambda a, _: sum(a) / len(a),
    "sum(a) / sum(b)": lambda a, b: sum(a) / sum(b),
    "sum(a) - sum(b)": lambda a, b: sum(a) - sum(b),
    "sum(a) * sum(b)": lambda a, b: sum(a) * sum(b),
    "sum(a * b)": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
    "sum(a / b)": lambda a, b: sum(x / y for x, y in zip(a, b, strict=True)),
    "sum(multiplyDecimal(a, b, 18))": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
    "avg(a)": lambda a, _: sum(a) / len(a),
    "max(a)": lambda a, _: max(a),
    "sumWithOverflow(a)": lambda a, _: sum(a),
    "arraySum(groupArray(a))": lambda a, _: sum(a),
    "sum(toDecimal128(a, 18))": lambda a, _: sum(a),
    "sumDistinct(a)": lambda a, _: sum(set(a)),
    "sumOrNull(-a)": lambda a, _: -sum(a),
    "sumMap([1], [a])": lambda _a, _b: None,
    "quantileExact(0)(a)": lambda a, _: min(a),
    "sum(x) FROM (SELECT a * b AS x": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
}


def near(answer: str, right: Any, kind: str, cuts: int = 1) -> bool:
    """Whether it is the number, cut at the places of its type, or as near as a Float64 is."""
    with localcontext() as context:
        context.prec = 200
        given = D(answer)
        if "Float" in kind:
            return abs(given - D(right)) <= abs(D(right)) * D("1e-12")
        places = int(kind.rpartition(",")[2].strip(" )")) if "Decimal(" in kind else 18
        return abs(given - D(right)) < cuts * D(10) ** -places or given == D(right)


def asked(
    analyst: Client, expression: str, source: str, order: str = ""
) -> list[tuple[str | None, str]] | None:
    """What the engine says in each row, and the type; None if it refuses."""
    head, _, inner = expression.partition(" FROM (")
    table = f"(SELECT {inner.removeprefix('SELECT ')} FROM ({source}))" if inner else f"({source})"
    try:
        rows = analyst.query(
            f"SELECT toString({head}), toTypeName({head}) FROM {table} {order}"
        ).result_rows
    except DatabaseError:
        return None
    return [(row[0], row[1]) for row in rows]


async def keep(settings: StoreSettings, **tables: pa.Table) -> None:
    """Insert rows into several tables."""
    target = Store(settings)
    for table, rows in tables.items():
        await target.insert(table, rows, token=uuid.uuid4().hex)
    await target.close()


SOURCES = {
    "casino": "SELECT amount AS a, bonus_wager_amount AS b, toInt32(user_id) AS n "
    "FROM fasttrack.casino",
    "sports_bet": "SELECT amount AS a, odds AS b, toInt32(user_id) AS n FROM fasttrack.sports_bet",
    "ggr_daily": "SELECT bets AS a, wins AS b, toInt32(game_id) AS n FROM fasttrack.ggr_daily",
}


async def pairs(settings: StoreSettings, tenant: str, source: str) -> None:
    """Each pair is one row of the view, in columns a and b."""
    texts = [(D(a), D(b)) for a, b in PAIRS]
    if source == "casino":
        given = [
            {"user_id": str(n), "amount": a, "bonus_wager_amount": b}
            for n, (a, b) in enumerate(texts)
        ]
        await keep(settings, casino=casinos(tenant, given))
    elif source == "ggr_daily":
        given = [
            {"game_id": str(n), "type": kind, "amount": value}
            for n, pair in enumerate(texts)
            for kind, value in zip(("bet", "win"), pair, strict=True)
        ]
        await keep(settings, casino=casinos(tenant, given))
    else:
        given = [{"user_id": str(n), "amount": a, "odds": b} for n, (a, b) in enumerate(texts)]
        await keep(settings, sports_bet=sports_bets(tenant, given))


# All of them at once, and those with which the engine's own checks are not met.
GROUPS = [tuple(range(len(PAIRS))), (0, 1, 2, 9), (0,)]


def of(source: str, tenant: str, numbers: Sequence[int]) -> str:
    """The rows of some pairs."""
    by = "game_id" if source == "ggr_daily" else "user_id"
    chosen = ", ".join(f"'{number}'" for number in numbers)
    return f"{SOURCES[source]} WHERE tenant = '{tenant}' AND {by} IN ({chosen})"


@pytest.mark.parametrize("source", SOURCES)
async def test_what_two_values_give_is_right_or_refused(
    settings: StoreSettings, analyst: Client, tenant: str, source: str
) -> None:
    """Each operator, over columns of each kind of view, from the least amount to the largest."""
    await pairs(settings, tenant, source)
    wrong = []
    for expression, compute in OF_TWO.items():
        for group in GROUPS:
            answers = asked(analyst, expression, of(source, tenant, group), "ORDER BY n")
            if answers is None:
                continue
            with localcontext() as context:
                context.prec = 200
                rights = [compute(D(PAIRS[n][0]), D(PAIRS[n][1])) for n in group]
            wrong += [
                (expression, PAIRS[n], answer, right)
                for n, answer, right in zip(group, answers, rights, strict=True)
                if right is not None
                and (answer[0] is None or not near(answer[0], right, answer[1]))
            ]
            break

    assert wrong == []


@pytest.mark.parametrize("source", SOURCES)
async def test_what_many_values_give_is_right_or_refused(
    settings: StoreSettings, analyst: Client, tenant: str, source: str
) -> None:
    """Sums past any amount, and what is done with them."""
    await pairs(settings, tenant, source)
    wrong = []
    for group in ((0, 1, 3, 4, 5, 8, 9), (0, 1, 2, 9)):
        for expression, compute in OF_MANY.items():
            answers = asked(analyst, expression, of(source, tenant, group))
            with localcontext() as context:
                context.prec = 200
                right = compute(
                    *zip(*((D(PAIRS[n][0]), D(PAIRS[n][1])) for n in group), strict=True)
                )
            if answers is None or right is None:
                continue
            ((answer, kind),) = answers
            # Each of the numbers that are summed may be cut at the last place.
            if answer is None or not near(answer, right, kind, cuts=len(group)):
                wrong.append((expression, group, answer, kind, right))

    assert wrong == []


EVERYDAY = [
    "a / b", "a * 2", "a / 7", "a - b", "(a - b) / a", "a / b * 100", "divideDecimal(a, b, 18)",
    "multiplyDecimal(a, b, 18)", "a % toDecimal256(7, 18)", "a > 1", "toFloat64(a)", "sum(a)",
    "sum(a) / sum(b)", "sum(a) / count()", "sum(a - b)", "sum(a) - sum(b)", "avg(a)", "round(a, 2)",
    "sum(a) * 100 / sum(b)", "max(a)", "quantile(0.9)(a)",
    "(sum(a) - sum(b)) / sum(a)", "sumIf(a, b > 1)", "a / 3.0", "a * 0.05",
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
async def test_everyday_arithmetic_is_answered(
    settings: StoreSettings, analyst: Client, tenant: str, source: str
) -> None:
    """Refusing is for what may be wrong."""
    await pairs(settings, tenant, source)

    refused = [one for one in EVERYDAY if asked(analyst, one, of(source, tenant, (0,))) is None]

    assert refused == []


def views(sql: Client) -> list[str]:
    """All views of analysts."""
    return [row[0] for row in sql.query("SHOW TABLES FROM fasttrack").result_rows]


async def test_every_view_is_read_by_tools_that_know_38_digits(
    settings: StoreSettings, sql: Client, analyst: Client, tenant: str
) -> None:
    """Polars, and whatever reads Arrow's decimal128, exact to the last digit."""
    amounts = [D(MOST), D("-0.5"), D(LEAST)]
    await keep(
        settings,
        casino=casinos(tenant, [{"type": "win", "amount": amount} for amount in amounts]),
        sports_bet=slips(tenant, ['[{"sports_name":"s","tournament_name":"t","odds":1.5}]']),
        payment=payments(tenant, [{"amount": D(MOST)}]),
        gameround=gamerounds(tenant, [{"total_bet_user": D(MOST)}]),
        login=logins(tenant, ["1"], [1]),
    )

    for view in views(sql):
        where = "" if view == "ledger" else f"WHERE tenant = '{tenant}'"
        table = analyst.query_arrow(f"SELECT * FROM fasttrack.{view} {where}")
        assert not [one for one in table.schema if pa.types.is_decimal256(one.type)], view
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        assert frame.height == table.num_rows

    query = f"SELECT amount FROM fasttrack.casino WHERE tenant = '{tenant}' ORDER BY amount DESC"
    read = pl.from_arrow(analyst.query_arrow(query))
    assert isinstance(read, pl.DataFrame)
    assert read["amount"].to_list() == sorted(amounts, reverse=True)


async def test_a_sum_of_more_than_38_digits_is_refused_to_such_tools(
    settings: StoreSettings, analyst: Client, tenant: str
) -> None:
    """Other formats have it."""
    await keep(settings, casino=casinos(tenant, [{"type": "bet", "amount": D(MOST)}] * 3))
    query = f"SELECT bets FROM fasttrack.ggr_daily WHERE tenant = '{tenant}'"

    assert analyst.query(query).result_rows[0][0] == D("299999999999999999999.999999999999999997")
    with pytest.raises(DatabaseError, match="407"):
        analyst.query_arrow(query)
