"""The guard: decides whether an analyst may run a statement; what it does not know, it refuses.

The engine itself enforces grants (storage cannot be read except through the analysts' views) and
limits (every setting is pinned or capped). The guard closes what grants do not cover: functions
that reach files or the network, table functions, the engine's internal system tables, and
statements that are not reads. It checks the engine's own parse of the statement, never the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine_http.engine.catalog import OPEN_TABLE_FUNCTIONS, Catalog
from engine_http.engine.connection import TAG
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.statements.lexer import tokens
from engine_http.statements.limits import Limits

SYSTEM_DATABASES = frozenset({"system", "information_schema", "INFORMATION_SCHEMA"})

_SYSTEM_TABLES = frozenset(
    {
        "aggregate_function_combinators", "collations", "columns", "current_roles",
        "data_type_families", "databases", "dictionaries", "enabled_roles", "formats", "functions",
        "keywords", "numbers", "numbers_mt", "one", "settings", "table_engines", "table_functions",
        "tables", "time_zones", "zeros", "zeros_mt",
    }
)  # fmt: skip
_NODES = frozenset(
    {
        "ArrayJoin", "Asterisk", "ColumnsExceptTransformer", "ColumnsListMatcher",
        "ColumnsRegexpMatcher", "ColumnsReplaceTransformer",
        "ColumnsReplaceTransformer::Replacement",
        "ColumnsTransformerList", "DescribeQuery", "ExistsDatabaseQuery", "ExistsTableQuery",
        "ExistsViewQuery", "Explain", "ExpressionList", "Function", "Identifier",
        "InterpolateElement", "Literal", "OrderByElement", "QualifiedAsterisk",
        "QualifiedColumnsListMatcher", "QualifiedColumnsRegexpMatcher", "SampleRatio",
        "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "Set", "ShowColumns",
        "ShowCreateDatabaseQuery", "ShowCreateTableQuery", "ShowCreateViewQuery", "ShowEngineQuery",
        "ShowFunctions", "ShowIndexes", "ShowTables", "Subquery", "TableExpression",
        "TableIdentifier", "TableJoin", "TablesInSelectQuery", "TablesInSelectQueryElement",
        "WindowDefinition", "WindowListElement", "WithElement",
    }
)  # fmt: skip
_EXPLAINS = frozenset(
    {
        "EXPLAIN", "EXPLAIN AST", "EXPLAIN ESTIMATE", "EXPLAIN PIPELINE", "EXPLAIN QUERY TREE",
        "EXPLAIN SYNTAX",
    }
)  # fmt: skip
_SHOWS = re.compile(
    rb"SHOW\s+(CREATE|CHANGED|COLUMNS|DATABASES|DICTIONARIES|ENGINES|EXTENDED|FIELDS|FULL|FUNCTIONS"
    rb"|INDEX|INDEXES|INDICES|KEYS|SETTING|SETTINGS|TABLES|VIEWS)\b",
    re.IGNORECASE,
)
_FORMATS = re.compile(
    r"(Arrow|ArrowStream|Avro|BSONEachRow|CSV\w*|CustomSeparated\w*|Hash|JSON\w*|LineAsString\w*"
    r"|Markdown|MsgPack|Native|Null|ODBCDriver2|ORC|One|Parquet|Pretty\w*|PrettyJSONEachRow|Raw"
    r"|RawBLOB|RowBinary\w*|SQLInsert|TabSeparated\w*|TSKV|TSV\w*|Values|Vertical|XML)\Z",
    re.IGNORECASE,
)
# `profile` would replace the limits, and the engine does not count it as a setting; by the tag a
# statement is found and stopped.
_CLOSED_SETTINGS = frozenset({"profile", TAG})
# A name with this character is not written as it reads.
_ESCAPED = "\0"
_NODE = re.compile(r"(?P<indent> *)(?P<kind>[\w:]+)(?: (?P<rest>.*))?\Z", re.DOTALL)
_DECORATION = re.compile(r"(?: \(alias .*\))?(?: \(children \d+\))?\Z", re.DOTALL)


def check_output(name: str) -> None:
    """Refuse output formats that could read a file or reach the network."""
    if not _FORMATS.match(name):
        raise _denied(f"the format {name}")


def check_kind(kind: str, count: int, text: bytes) -> None:
    """Refuse what is not one reading statement, by the engine's classification."""
    if count > 1:
        raise ClickHouseError(Code.SYNTAX_ERROR, "Multi-statements are not allowed")
    if kind != "READ_ONLY":
        raise ClickHouseError(
            Code.ACCESS_DENIED, "analyst: Not enough privileges: this user may only read"
        )
    if text[:4].upper() == b"SHOW" and not _SHOWS.match(text):
        raise _denied("this SHOW")


def check_tree(lines: Iterable[str], catalog: Catalog) -> None:
    """Refuse a statement by its syntax tree, as EXPLAIN AST prints it.

    Raises ClickHouseError 497 that names what was refused.
    """
    parents: list[str] = []
    for line in lines:
        node = _NODE.match(line)
        if node is None or node["kind"] not in _NODES:
            raise _denied(node["kind"] if node else "this statement")
        depth, kind = len(node["indent"]), node["kind"]
        name = _DECORATION.sub("", node["rest"] or "")
        parent = parents[depth - 1] if depth else ""
        parents[depth:] = [kind]
        if kind == "Function":
            _check_function(name, catalog, is_table=parent == "TableExpression")
        elif kind in ("Identifier", "TableIdentifier"):
            _check_name(name)
        elif kind == "Explain" and name not in _EXPLAINS:
            raise _denied(name)


def check_settings(names: Iterable[str], limits: Limits) -> None:
    """Refuse settings an analyst may not change that the engine would let pass.

    The engine refuses pinned settings itself; what is left is what it does not count as a setting,
    such as `profile`, which would replace the limits.
    """
    for name in names:
        if not limits.may_set(name):
            raise ClickHouseError(
                Code.SETTING_CONSTRAINT_VIOLATION, f"Setting {name} should not be changed."
            )


def check_calls(text: bytes, catalog: Catalog) -> None:
    """Refuse a closed function in front of a parenthesis, and a change of profile, in the text.

    The syntax tree names every call it shows, but not the settings; this covers what it hides.
    """
    previous, after_settings = "", False
    for token in tokens(text):
        if token.text == b"(" and previous.lower() in catalog.closed:
            raise _denied(f"the function {previous}")
        if token.text == b"=" and after_settings and previous.lower() in _CLOSED_SETTINGS:
            raise _denied(f"the setting {previous}")
        if token.text in (b"(", b"=") and previous.startswith(_ESCAPED):
            raise _denied("an escaped name")
        after_settings = after_settings or token.keyword == b"SETTINGS"
        previous = token.name
        if token.kind == "quoted" and "\\" in previous and after_settings:
            previous = _ESCAPED + previous


def _check_function(name: str, catalog: Catalog, *, is_table: bool) -> None:
    allowed = name.lower() in OPEN_TABLE_FUNCTIONS if is_table else catalog.may_call(name)
    if not allowed:
        raise _denied(f"the {'table ' if is_table else ''}function {name}")


def _check_name(name: str) -> None:
    """Refuse a name that may mean an internal table of the engine, also as `x IN system.y`."""
    database, _, rest = name.partition(".")
    table = rest.partition(".")[0]
    if table and database == "system" and table not in _SYSTEM_TABLES:
        raise _denied(f"the table {database}.{table}")


def _denied(what: str) -> ClickHouseError:
    return ClickHouseError(Code.ACCESS_DENIED, f"analyst: Not enough privileges to use {what}")
