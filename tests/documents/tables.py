"""Makes the tables of the documents from the code.

`python -m tests.documents.tables` writes them. In a document a table stands between
`<!-- table: NAME -->` and `<!-- end of table -->`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from events.contract.adjustments import MEANINGS
from events.contract.reasons import REASONS
from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC
from failpoints import POINTS
from failpoints.write_order import WRITE_ORDER
from ingest_http.answers import KINDS
from ingest_http.metrics import ApiMetrics
from ingest_http.settings import ApiSettings
from railhead.cli.main import COMMANDS
from railhead.kafka.topics import HOUR_MS, MIB, TopicSettings, wanted_topics
from railhead.paths import TENANTS_FILE
from sinks.settings import StoreSettings
from sinks.steps import read_steps
from streams.metrics import WorkerMetrics
from streams.settings import WorkerSettings
from tests.system.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
# Product packages, in the order in which data passes them.
PACKAGES = (
    "events",
    "tenants",
    "ingest_http",
    "streams",
    "sinks",
    "railhead",
    "engine_http",
    "failpoints",
    "demo",
    "bench",
)
MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
READERS: dict[str, type[BaseSettings]] = {
    "ingest API": ApiSettings,
    "worker": WorkerSettings,
    "all that talk to ClickHouse": StoreSettings,
    "topics": TopicSettings,
}

Rows = Iterable[Sequence[str]]


def table(headings: Sequence[str], rows: Rows) -> str:
    """Write a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def code(text: str) -> str:
    """Write *text* as code; nothing for nothing."""
    return f"`{text}`" if text else ""


def event_types() -> str:
    """One row for each row of the registry."""
    rows = (
        (
            code(row.name),
            code(row.topic),
            code(f"fasttrack.{row.table}"),
            code(", ".join(row.id_fields)),
            row.description.removeprefix("FastTrack: "),
        )
        for row in EVENT_TYPES
    )
    return table(("event", "topic", "view", "id within a tenant", "what it is"), rows)


def topics() -> str:
    """One row for each topic that `railhead topics` creates."""
    holds = {row.topic: f"items of `{row.name}`" for row in EVENT_TYPES}
    holds[REJECTED_TOPIC] = "rejected items, with the reason"
    rows = (
        (
            code(topic.name),
            holds.get(topic.name, "the dedup index: ids that workers have stored"),
            f"{int(topic.config['retention.ms']) / HOUR_MS:g} h",
            f"{int(topic.config['max.message.bytes']) // MIB} MiB",
        )
        for topic in wanted_topics(TopicSettings.model_construct(), partitions=1, replication=1)
    )
    return table(("topic", "holds", "kept", "largest batch"), rows)


def views() -> str:
    """One row for each view of the analysts' database, with its comment."""
    rows = []
    for step in read_steps("sinks.views"):
        comment = re.findall(r"^COMMENT '((?:[^'\\]|\\.|'')*)'", step.sql, re.MULTILINE)[-1]
        rows.append((code(f"fasttrack.{step.name.rpartition('/')[2]}"), comment.replace("''", "'")))
    return table(("view", "what a row is"), rows)


def settings() -> str:
    """One row for each environment variable, however many processes read it."""
    readers: dict[str, list[str]] = {}
    described: dict[str, tuple[str, str]] = {}
    for reader, cls in READERS.items():
        for field, info in cls.model_fields.items():
            name = f"{cls.model_config['env_prefix']}{field}".upper()
            readers.setdefault(name, []).append(reader)
            described.setdefault(name, (_default(info), _sentence(info.description or "")))
    rows = (
        (code(name), code(described[name][0]), ", ".join(readers[name]), described[name][1])
        for name in described
    )
    return table(("variable", "default", "read by", "meaning"), rows)


def _default(info: Any) -> str:
    default = info.default
    if default is PydanticUndefined:
        # The only one: the commands fill it in from the data directory.
        return f".railhead/{TENANTS_FILE}"
    if isinstance(default, SecretStr) or default is None:
        return ""
    if _is_number(info.annotation) and isinstance(default, int | float):
        return f"{default:g}" if isinstance(default, float) else str(default)
    return str(default)


def _is_number(annotation: Any) -> bool:
    if get_origin(annotation) in {Union, UnionType}:
        return any(map(_is_number, get_args(annotation)))
    return annotation in {int, float}


def _sentence(text: str) -> str:
    """Write *text* as a cell: capitalised unless it starts with a name, without the last stop."""
    first = text.partition(" ")[0]
    return (text[:1].upper() + text[1:] if first.isalpha() else text).rstrip(".")


def metrics() -> str:
    """One row for each metric of the ingest API and the worker."""
    rows = []
    for where, owner in (("ingest API", ApiMetrics()), ("worker", WorkerMetrics())):
        for metric in vars(owner).values():
            if isinstance(metric, Counter | Gauge | Histogram):
                family = next(iter(metric.describe()))
                name = family.name + ("_total" if family.type == "counter" else "")
                labels = ", ".join(metric._labelnames)
                rows.append(
                    (code(name), where, family.type, labels, _sentence(family.documentation))
                )
    return table(("metric", "process", "type", "labels", "meaning"), rows)


def answers() -> str:
    """One row for each answer to a request."""
    rows = [
        ("204", "", "Every valid item is stored durably; the invalid ones are kept as rejected.")
    ]
    rows += [(str(kind.status), code(kind.code), kind.advice) for kind in KINDS]
    return table(("status", "`error`", "what to do"), rows)


def reasons() -> str:
    """One row for each reason to reject an item."""
    rows = ((code(row.code), _sentence(row.meaning), _sentence(row.remedy)) for row in REASONS)
    return table(("reason", "what is wrong", "what to do"), rows)


def adjustments() -> str:
    """One row for each way in which a value is stored differently from what was sent."""
    rows = ((code(one), _sentence(sent), _sentence(kept)) for one, (sent, kept) in MEANINGS.items())
    return table(("adjustment", "what was sent", "what is stored"), rows)


def commands() -> str:
    """One row for each command."""
    rows = ((code(f"railhead {name}"), _sentence(row.help)) for name, row in COMMANDS.items())
    return table(("command", "what it does"), rows)


def crash_points() -> str:
    """One row for each point at which a process can be made to die."""
    rows = ((code(name), _sentence(what)) for name, what in POINTS.items())
    return table(("point", "what is done there, and what is not"), rows)


def mutants() -> str:
    """One row for each deliberate break of a rule, with the test that must detect it."""
    steps = {mutant: step.name for step in WRITE_ORDER for mutant in step.mutants}
    rows = (
        (
            code(one.name),
            _sentence(one.what),
            steps.get(one.name, ""),
            code(one.caught_by.rpartition("::")[2]),
        )
        for one in MUTANTS
    )
    return table(("mutant", "what is broken", "step of the write order", "caught by"), rows)


def write_order() -> str:
    """The steps of the write order, one after the other, then one row for each."""
    arrows = " ─▶ ".join(step.name for step in WRITE_ORDER)
    rows = (
        (
            f"{number}. {step.what}",
            ", ".join(map(code, step.code)),
            step.waits_for,
            step.after_a_crash,
            ", ".join(map(code, step.points)),
        )
        for number, step in enumerate(WRITE_ORDER, start=1)
    )
    headings = ("step", "code", "begins after", "a crash after it", "crash points")
    return f"```text\n{arrows}\n```\n\n{table(headings, rows)}"


def folders() -> str:
    """One row for each folder of product code: the first line of its docstring."""
    inits = (path for one in PACKAGES for path in sorted((ROOT / one).rglob("__init__.py")))
    rows = (
        (code(f"{path.parent.relative_to(ROOT)}/"), _sentence(_first_line(path))) for path in inits
    )
    return table(("folder", "what is in it"), rows)


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


TABLES: dict[str, Callable[[], str]] = {
    "folders": folders,
    "event-types": event_types,
    "topics": topics,
    "views": views,
    "settings": settings,
    "metrics": metrics,
    "answers": answers,
    "reasons": reasons,
    "adjustments": adjustments,
    "commands": commands,
    "crash-points": crash_points,
    "mutants": mutants,
    "write-order": write_order,
}


def filled(text: str) -> str:
    """Return a document's *text* with every table in it made again from the code."""
    return MARKED.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text()))
