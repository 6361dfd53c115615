"""The functions of this engine, sorted into those an analyst may call and those that are closed.

The engine names the category of each function. Categories that only compute are open to analysts;
of mixed categories only the functions named here are open. A function that a new engine version
adds to a category not listed stays closed until somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# name, category and whether it is an aggregate, of every function and alias.
FUNCTIONS_SQL = """
SELECT f.name, if(f.categories = '', o.categories, f.categories), f.is_aggregate OR o.is_aggregate
FROM system.functions AS f LEFT JOIN system.functions AS o ON f.alias_to = o.name
WHERE f.origin = 'System'
"""
COMBINATORS_SQL = "SELECT name FROM system.aggregate_function_combinators"
TABLE_FUNCTIONS_SQL = "SELECT name FROM system.table_functions"

_COMPUTING = frozenset(
    {
        "Aggregate Functions", "Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison", "Conditional",
        "Dates and Times", "Distance", "Encoding", "Encryption", "Financial", "Geo", "Geo Polygon",
        "Hash", "IP Address", "JSON", "Logical", "Map", "Mathematical", "Null",
        "NumericIndexedVector", "QBit", "Random Number", "Rounding", "String",
        "String Replacement", "String Search", "String Splitting", "Time Series", "Time Window",
        "Tuple", "Type Conversion", "URL", "UUID",
    }
)  # fmt: skip
# They render through an output format, and formats may read files.
_NOT_COMPUTING = frozenset({"formatrow", "formatrownonewline", "chdb"})
_OTHERS = frozenset(
    {
        "bar", "blocknumber", "blocksize", "bytesize", "casewithexpression", "connectionid",
        "countdigits", "currentdatabase", "currentprofiles", "currentqueryid", "currentroles",
        "currentschemas", "currentuser", "defaultvalueofargumenttype", "defaultvalueoftypename",
        "digits", "displayname", "dumpcolumnstructure", "enabledprofiles", "enabledroles",
        "errorcodetoname", "finalizeaggregation", "formatquery", "formatqueryornull",
        "formatquerysingleline", "formatquerysinglelineornull", "formatreadabledecimalsize",
        "formatreadablequantity", "formatreadablesize", "formatreadabletimedelta", "fqdn",
        "getsetting", "getsettingordefault", "getsizeofenumtype", "getsubcolumn", "globalvariable",
        "hostname", "identity", "ignore", "indexhint", "initialqueryid", "initialquerystarttime",
        "isconstant", "isdecimaloverflow", "lowcardinalityindices", "lowcardinalitykeys",
        "macnumtostring", "macstringtonum", "macstringtooui", "materialize",
        "minsamplesizecontinuous", "minsamplesizeconversion", "neighbor", "normalizequery",
        "normalizequerykeepnames", "normalizedqueryhash", "parsereadablesize",
        "parsereadablesizeornull", "parsereadablesizeorzero", "parsetimedelta", "queryid",
        "revision", "rownumberinallblocks", "rownumberinblock", "runningaccumulate",
        "runningdifference", "runningdifferencestartingwithfirstvalue", "shardcount", "shardnum",
        "sleep", "sleepeachrow", "throwif", "tocolumntypename", "totypename", "transform", "uptime",
        "variantelement", "varianttype", "version", "visiblewidth",
        # spelled by the parser itself
        "_cast", "exists", "grouping", "lambda", "untuple",
    }
)  # fmt: skip
OPEN_TABLE_FUNCTIONS = frozenset(
    {
        "generaterandom", "generate_series", "generateseries", "null", "numbers", "numbers_mt",
        "primes", "values", "view", "zeros", "zeros_mt",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Catalog:
    """The functions an analyst may call, and the names that must not appear as calls at all."""

    functions: frozenset[str]
    aggregates: frozenset[str]
    combinators: tuple[str, ...]
    closed: frozenset[str]

    def may_call(self, name: str) -> bool:
        """Whether an analyst may call function *name*, an aggregate's combinators included."""
        lowered = name.lower()
        return lowered in self.functions or self._is_combined(lowered)

    def _is_combined(self, name: str) -> bool:
        """Whether *name* is an aggregate with combinators behind it, as in sumIfMerge."""
        for combinator in self.combinators:
            base = name.removesuffix(combinator)
            if base != name and (base in self.aggregates or self._is_combined(base)):
                return True
        return False


def build(
    functions: Iterable[tuple[str, str, bool]],
    combinators: Iterable[str],
    table_functions: Iterable[str],
) -> Catalog:
    """Sort the engine's functions into open and closed ones."""
    rows = [(name.lower(), category, aggregate) for name, category, aggregate in functions]
    opened = _OTHERS | {
        name
        for name, category, aggregate in rows
        if (aggregate or category in _COMPUTING) and name not in _NOT_COMPUTING
    }
    everything = {name for name, _, _ in rows} | {name.lower() for name in table_functions}
    return Catalog(
        functions=opened,
        aggregates=frozenset(name for name, _, aggregate in rows if aggregate),
        combinators=tuple(name.lower() for name in combinators),
        closed=frozenset(everything - opened - OPEN_TABLE_FUNCTIONS),
    )
