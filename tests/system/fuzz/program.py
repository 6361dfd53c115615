"""The whole fuzz: warm up, send, let it settle, check that everything is in order."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.options import Say
from tests.system.fuzz.hypotheses import try_hypotheses
from tests.system.fuzz.menu import HEAVY_EVERY, case_of
from tests.system.fuzz.run import Session
from tests.system.fuzz.schemas import SchemaRun, try_schema
from tests.system.fuzz.target import Target, running_target

# What a heavy body leaves in the allocator differs by this much from run to run.
GROWTH_MIB: Final = 64.0
# Ports and brokers have bad moments; an ingest API must not be busy often.
BUSY_SHARE: Final = 0.01
HYPOTHESIS_SHARE: Final = 0.1
WARM_UP_SHARE: Final = 0.1
SCHEMA_EXAMPLES: Final = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    requests: int
    seed: int = 1
    seconds: float = 1_800.0
    schemathesis: str = ""
    only_case: int | None = None
    first_case: int = 0


@dataclass
class Result:
    """The result of a run."""

    requests: int = 0
    seconds: float = 0.0
    by_kind: dict[str, Counter[str]] = field(default_factory=dict)
    warm_mib: float = 0.0
    end_mib: float = 0.0
    stored: int = 0
    not_stored: int = 0
    complaints: list[str] = field(default_factory=list)


def fuzz(plan: Plan, say: Say) -> Result:
    """Run *plan* against an ingest API of its own."""
    with running_target(say) as target:
        started = time.monotonic()
        session = Session(target.port, target.secrets, plan.seed, started + plan.seconds)
        if plan.only_case is not None:
            return _one(session, plan.only_case, say)
        result = Result()
        _send(session, target, plan, result, say)
        schema = _schema(target, plan, say)
        result.end_mib = target.settled_rss_mib()
        result.seconds = time.monotonic() - started
        _judge(session, target, result, schema)
        return result


def _send(session: Session, target: Target, plan: Plan, result: Result, say: Say) -> None:
    warm = max(1, int(plan.requests * WARM_UP_SHARE))
    start = plan.first_case
    session.cases(range(start, start + warm))
    # Each kind of heavy body once more: they set the allocator's high mark.
    if plan.requests > 10 * HEAVY_EVERY:
        session.cases(range(0, 14 * HEAVY_EVERY, HEAVY_EVERY))
    result.warm_mib = target.settled_rss_mib()
    say(f"warm after {session.tally.requests:,} requests: {result.warm_mib:.1f} MiB")
    hypotheses = int(plan.requests * HYPOTHESIS_SHARE)
    rest = range(start + warm, start + plan.requests - hypotheses)
    session.cases(rest, beside=lambda: try_hypotheses(session, hypotheses))
    if not session.over() and session.tally.requests < plan.requests:
        session.cases(range(rest.stop, rest.stop + plan.requests - session.tally.requests))


def _schema(target: Target, plan: Plan, say: Say) -> SchemaRun | None:
    if not plan.schemathesis:
        say("schemathesis is not installed: left out")
        return None
    examples = max(5, min(SCHEMA_EXAMPLES, plan.requests // 100))
    return try_schema(target, plan.schemathesis, examples=examples, seed=plan.seed)


def _judge(session: Session, target: Target, result: Result, schema: SchemaRun | None) -> None:
    tally, wrong = session.tally, result.complaints
    result.requests, result.by_kind = tally.requests, dict(sorted(tally.by_kind.items()))
    wrong += tally.complaints
    if schema is not None:
        result.requests += schema.requests
        result.by_kind["schemathesis"] = schema.statuses
        wrong += [] if schema.passed else [f"schemathesis:\n{schema.text[-6_000:]}"]
    busy = sum(counts["503"] + counts["510"] for counts in result.by_kind.values())
    if busy > BUSY_SHARE * result.requests:
        wrong.append(f"{busy:,} answers were 503 or 510")
    if not target.lives():
        wrong.append("the ingest API's process died")
    if result.end_mib > result.warm_mib + GROWTH_MIB:
        wrong.append(f"memory grew from {result.warm_mib:.1f} to {result.end_mib:.1f} MiB")
    ready = target.get("/health/ready")
    if ready[0] != 200:
        wrong.append(f"not ready at the end: {ready}")
    wrong += [f"in the ingest API's log: {line[:2_000]}" for line in target.bad_lines()[:20]]
    _judge_records(session, asyncio.run(target.records()), result)


def _judge_records(session: Session, found: set[tuple[str, bytes]], result: Result) -> None:
    tally = session.tally
    result.stored, result.not_stored = len(tally.stored), len(tally.not_stored)
    lost, invented = tally.stored - found, tally.not_stored & found
    if lost:
        result.complaints.append(f"{len(lost):,} acknowledged items are missing: {list(lost)[:5]}")
    if invented:
        result.complaints.append(
            f"{len(invented):,} refused items were stored: {list(invented)[:5]}"
        )


def _one(session: Session, number: int, say: Say) -> Result:
    case = case_of(session.seed, number, session.secrets)
    say(f"{case.what}\n{b''.join(case.sends)[:4_000]!r}")
    client = session.client()
    wrong = client.send(case, f"--seed {session.seed} --case {number}")
    client.close()
    return Result(1, 0.0, session.tally.by_kind, complaints=wrong)


def print_result(console: Console, plan: Plan, result: Result) -> None:
    """Print the table and the result."""
    table = Table("requests", "answers", "by status")
    for what, counts in result.by_kind.items():
        reported = ", ".join(f"{status}: {count:,}" for status, count in sorted(counts.items()))
        table.add_row(what, f"{counts.total():,}", reported)
    console.print(table)
    console.print(
        f"seed {plan.seed}: {result.requests:,} requests in {result.seconds:.0f} s; "
        f"memory {result.warm_mib:.1f} MiB warm, {result.end_mib:.1f} MiB at the end "
        f"(at most {GROWTH_MIB:.0f} more allowed)\n"
        f"{result.stored:,} acknowledged items looked for on the topics, "
        f"{result.not_stored:,} refused ones checked to be absent",
    )
    for complaint in result.complaints[:40]:
        console.print(complaint, style="red", markup=False)
    answer = (
        f"{len(result.complaints)} complaints" if result.complaints else "everything is in order"
    )
    console.print(answer, style="bold")
