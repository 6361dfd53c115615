"""Refuses arithmetic on decimals that could return a wrong number without an error.

ClickHouse checks the overflow of sums of two numbers, but not of products, quotients, aggregated
sums and changes of scale of more than 18 digits: the result wraps round without an error. So the
largest value of each expression is computed from the types, the literals and the views that its
columns are from. What may not fit is refused, with a checked way to write it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from engine_http.engine.errors import ClickHouseError, Code

# The largest amount, and the most rows of a sum: sums of daily sums can then be divided by each
# other in 76 digits.
AMOUNT: Final = 10**20
ROWS: Final = 2**30
PLACES: Final = 18
ROW_VIEWS: Final = frozenset(
    f"fasttrack.{name}"
    for name in (
        "casino", "payment", "registration", "gameround", "sports_bet", "login", "sports_bet_legs",
        "player_timeline",
    )
)  # fmt: skip
_DECIMAL: Final = re.compile(r"Decimal\(([0-9]+), ([0-9]+)\)")
_INTEGER: Final = re.compile(r"(?:^|[( ])U?Int(8|16|32|64|128|256)\b")
_NUMBER: Final = re.compile(r"(?:U?Int[0-9]+|Decimal[0-9]+)_\W*?(-?[0-9]+)(?:\.[0-9]*)?\W*\Z")
_LINE: Final = re.compile(r"( *)([A-Z_]+\b)?(?: id: ([0-9]+),? ?)?(.*)\Z", re.DOTALL)
_PART: Final = re.compile(
    r"(?:^|, )(function_name|column_name|result_type|constant_value_type|constant_value|source_id"
    r"|table_name|type): (.*?)(?=, (?:function_type|function_name|column_name|result_type"
    r"|constant_value_type|constant_value|source_id|table_name|type|alias|is_subquery): |\Z)",
    re.DOTALL,
)
_COMPARISONS: Final = frozenset(
    {"equals", "notequals", "less", "greater", "lessorequals", "greaterorequals"}
)
_MODULO: Final = frozenset({"modulo", "moduloorzero", "modulolegacy", "positivemodulo",
                            "positivemoduloornull", "moduloornull"})  # fmt: skip
_QUOTIENTS: Final = frozenset({"divide", "intdiv", "intdivorzero", "intdivornull", "divideornull"})
_CASTS: Final = re.compile(r"(?:_?cast|accuratecast\w*|todecimal(?:32|64|128|256)\w*)\Z")
_SUMS: Final = re.compile(
    r"(?:sum|avg)(?:if|distinct|ornull|ordefault|array|foreach|state|merge)*\Z"
)
# The engine does not check these, or is not known to.
_UNCHECKED: Final = re.compile(
    r"(?:array(?:sum|avg|cumsum\w*|difference|product|reduce\w*|fold|dotproduct)|dotproduct"
    r"|scalarproduct|summap\w*|sumwithoverflow\w*|sumcount\w*|deltasum\w*|grouparraymoving\w*"
    r"|grouparray(?:sum|avg)\w*|runningdifference\w*|exponential\w*|avgweighted\w*|bit\w+"
    r"|tuple(?:plus|minus|multiply|divide|modulo|intdiv)\w*|sumkahan\w*|timeseries\w*|gcd|lcm"
    r"|width_?bucket|nonnegativederivative)\Z"
)
_SATURATING: Final = re.compile(r"torelative(?:second|minute|hour|day|week)num\Z")


@dataclass(slots=True)
class _Node:
    kind: str
    parts: dict[str, str]
    children: list[_Node] = field(default_factory=list)

    @property
    def type(self) -> str:
        return (
            self.parts.get("result_type")
            or self.parts.get("constant_value_type")
            or self.parts.get("type", "")
        )

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Digits and decimal places, if it is a decimal or contains some."""
        found = _DECIMAL.search(self.type)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def arguments(self) -> list[_Node]:
        return [
            one
            for part in self.children
            if part.kind == "ARGUMENTS"
            for group in part.children
            for one in group.children
        ]

    def walk(self) -> Iterator[_Node]:
        yield self
        for child in self.children:
            yield from child.walk()


Sources = dict[str, _Node]


def check_arithmetic(lines: Iterable[str]) -> None:
    """Refuse a statement by its query tree, as EXPLAIN QUERY TREE prints it.

    Raises ClickHouseError 407 that names the function and what to write instead.
    """
    root = _parse(lines)
    tables = {
        node.parts["id"]: node for node in root.walk() if node.kind in ("TABLE", "QUERY", "UNION")
    }
    for node in root.walk():
        if node.kind == "FUNCTION":
            _check(node, tables)


def _parse(lines: Iterable[str]) -> _Node:
    root = _Node("ROOT", {})
    path = [(-1, root)]
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        depth = len(match[1])
        reported = {"id": match[3] or "", "line": line.strip()}
        node = _Node(match[2] or "", {**reported, **dict(_PART.findall(match[4]))})
        while path[-1][0] >= depth:
            path.pop()
        path[-1][1].children.append(node)
        path.append((depth, node))
    return root


def _check(node: _Node, tables: Sources) -> None:
    name = node.parts.get("function_name", "").lower()
    arguments = node.arguments
    if _SATURATING.match(name) and any("DateTime64" in one.type for one in arguments):
        raise _refused(name, "it ends in 1970 and 2106; use dateDiff() from a day of your choice")
    decimals = [one.decimal for one in arguments if one.decimal is not None]
    if not decimals:
        return
    if _UNCHECKED.match(name):
        raise _refused(name, "the engine does not check it; cast to Float64, or use sum()")
    bounds = [_bound(one, tables) * 10 ** _places(one) for one in arguments]
    if name in _MODULO and (len(decimals) < 2 or len({places for _, places in decimals}) > 1):
        raise _refused(name, "give it decimals of the same places, as in x % toDecimal256(7, 18)")
    if name == "multiply":
        _require(math.prod(bounds), node, "multiplyDecimal(a, b, 18)")
    elif name in _QUOTIENTS:
        _require(bounds[0] * 10 ** _places(arguments[1]), arguments[0], "divideDecimal(a, b, 18)")
    elif _SUMS.match(name):
        _require(bounds[0] * ROWS, arguments[0], "sum(multiplyDecimal(a, b, 18))")
    elif name in _COMPARISONS or name in ("plus", "minus"):
        most = max(places for _, places in decimals)
        values = [_bound(one, tables) for one in arguments if "Float" not in one.type]
        widest = max(arguments, key=lambda one: one.decimal or (0, 0))
        _require(max(values) * 10**most, widest, "toDecimal256(x, 18)")
    elif _CASTS.match(name) and node.decimal is not None:
        _check_cast(node, arguments[0], tables)


def _check_cast(node: _Node, source: _Node, tables: Sources) -> None:
    """Check a cast: more decimal places multiply the value unchecked; fewer are checked."""
    if node.decimal is not None and node.decimal[1] > _places(source):
        _require(_bound(source, tables) * 10 ** node.decimal[1], node, "fewer places")


def _require(largest: int, node: _Node, instead: str) -> None:
    digits = node.decimal[0] if node.decimal else 76
    # Up to 18 digits the engine checks everything.
    if digits > 18 and largest >= 2 ** (127 if digits <= 38 else 255):
        raise _refused(node.parts.get("function_name", "this"), f"write {instead}")


def _refused(name: str, advice: str) -> ClickHouseError:
    return ClickHouseError(
        Code.DECIMAL_OVERFLOW,
        f"The result of {name} may be wrong without an error of the engine: {advice}. "
        "See docs/analysts.md, Arithmetic.",
    )


def _bound(node: _Node, tables: Sources) -> int:
    """The largest value that *node* can have."""
    most = _type_bound(node)
    if node.kind == "COLUMN":
        source = tables.get(node.parts.get("source_id", ""))
        return min(most, _column_bound(node, source, tables))
    if node.kind == "CONSTANT":
        return min(most, _constant_bound(node, tables))
    return min(most, _function_bound(node, tables)) if node.kind == "FUNCTION" else most


def _column_bound(node: _Node, source: _Node | None, tables: Sources) -> int:
    """The largest value of a view's column, or of the expression behind a subquery's column."""
    name = node.parts.get("column_name", "")
    if source is not None and source.kind == "TABLE":
        return AMOUNT if source.parts.get("table_name") in ROW_VIEWS else AMOUNT * ROWS
    if source is None:
        return AMOUNT * ROWS if _places(node) <= PLACES else _type_bound(node)
    queries = [source] if source.kind == "QUERY" else _queries_of(source)
    found = [_projected(query, name) for query in queries]
    if not found or None in found:
        return _type_bound(node)
    return max(_bound(one, tables) for one in found if one is not None)


def _queries_of(union: _Node) -> list[_Node]:
    return [one for part in union.children for group in part.children for one in group.children]


def _projected(query: _Node, name: str) -> _Node | None:
    """The expression of the column of a query that is called *name*."""
    parts = [part for part in query.children if part.kind == "PROJECTION"]
    if len(parts) != 2 or not parts[1].children:
        return None
    names = [one.parts["line"] for one in parts[0].children]
    expressions = parts[1].children[0].children
    for at, line in enumerate(names):
        if line.startswith(f"{name} ") and at < len(expressions):
            return expressions[at]
    return None


def _constant_bound(node: _Node, tables: Sources) -> int:
    # A constant that the engine has folded is printed with its expression; its value may be a
    # placeholder.
    inner = [one for part in node.children if part.kind == "EXPRESSION" for one in part.children]
    if inner:
        return _bound(inner[0], tables) if inner[0].kind == "FUNCTION" else AMOUNT * ROWS
    found = _NUMBER.match(node.parts.get("constant_value", ""))
    return abs(int(found[1])) + 1 if found else _type_bound(node)


def _function_bound(node: _Node, tables: Sources) -> int:
    name = node.parts.get("function_name", "").lower()
    arguments = [one for one in node.arguments if one.decimal or _INTEGER.search(one.type)]
    bounds = [_bound(one, tables) for one in arguments]
    if not bounds:
        return _type_bound(node)
    if name in ("multiply", "multiplydecimal"):
        return math.prod(bounds)
    if name in _QUOTIENTS or name == "dividedecimal":
        return int(bounds[0] * 10 ** _places(arguments[-1]))
    if name in ("plus", "minus"):
        return sum(bounds)
    return max(bounds) * ROWS if _SUMS.match(name) else _kept_bound(name, node, bounds)


def _kept_bound(name: str, node: _Node, bounds: list[int]) -> int:
    """The bound for functions that choose or round a value; for others nothing is known."""
    return max(bounds) + 1 if _KEEPING.match(name) or _CASTS.match(name) else _type_bound(node)


_KEEPING: Final = re.compile(
    r"(?:negate|abs|round\w*|floor|ceil\w*|trunc\w*|if|multiif|coalesce|ifnull|nullif|tonullable"
    r"|assumenotnull|materialize|identity|min\w*|max\w*|any\w*|argmin\w*|argmax\w*|greatest|least"
    r"|first_value\w*|last_value\w*|lag\w*|lead\w*|nth_value|singlevalueornull|arrayjoin|array"
    r"|arrayelement|grouparray\w*|quantile\w*|median\w*|modulo|positivemodulo)\Z"
)


def _type_bound(node: _Node) -> int:
    if node.decimal is not None:
        digits, places = node.decimal
        return (2**127 if digits <= 38 else 2**255) // int(10**places)
    found = _INTEGER.search(node.type)
    return int(2 ** int(found[1])) if found else 1


def _places(node: _Node) -> int:
    return node.decimal[1] if node.decimal else 0
