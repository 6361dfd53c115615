"""Runs the baselines in the same minutes as Railhead and computes the ratios."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.load.load import Load, put_load
from bench.load.usage import Use, watched
from bench.machine import Machine
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from events.contract.registry import EVENT_TYPES
from railhead.stack.ports import free_port
from railhead.stack.settings import CLICKHOUSE, KAFKA

PYTHON_VARIABLE: Final = "RAILHEAD_BENCH_PYTHON"
PROGRAMS: Final = Path(__file__).parents[1] / "baselines"
STARTS_WITHIN_SECONDS: Final = 60.0
ENDS_WITHIN_SECONDS: Final = 4.0
TABLE: Final = """
CREATE TABLE {name} (
    id String, event LowCardinality(String), user_id String, timestamp String,
    amount Nullable(Float64), currency String, game_id String, status String
) ENGINE = ReplacingMergeTree ORDER BY id
"""


class BaselineError(Exception):
    """A baseline did not start or did no work; the text is its error output."""


@dataclass(slots=True)
class Program:
    """A running baseline; `lines` is what it printed, a JSON object each."""

    process: subprocess.Popen[str]
    errors: Path
    lines: list[str] = field(default_factory=list)

    def complaint(self) -> str:
        """The end of what it wrote to standard error."""
        return self.errors.read_text(errors="replace")[-1500:]


def bench_python() -> str | None:
    """The interpreter of the environment with the baselines' own packages; None without one."""
    name = os.environ.get(PYTHON_VARIABLE, "")
    return shutil.which(name) if name else None


def missing(what: str) -> BenchResult:
    """The result that the table shows for a baseline that cannot be run here."""
    why = f"{PYTHON_VARIABLE} names no Python with requirements/bench.txt (`make bench` sets it)"
    return BenchResult(name=f"baseline: {what}", skipped=why)


@contextmanager
def running(
    argv: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run a baseline while the block runs."""
    with tempfile.TemporaryDirectory(prefix="railhead-baseline-") as directory:
        errors = Path(directory, "errors")
        with errors.open("wb") as file:
            process = subprocess.Popen(
                argv,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env={**os.environ, "TMPDIR": directory, **(environment or {})},
            )
        program = Program(process, errors)
        reading = threading.Thread(target=_read, args=(program,), daemon=True)
        reading.start()
        try:
            yield program
        finally:
            _end(process)
            reading.join()


def _read(program: Program) -> None:
    if program.process.stdout is not None:
        # Faust shows a spinner first.
        lines = iter(program.process.stdout.readline, "")
        program.lines.extend(line for line in lines if line.startswith("{"))


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ENDS_WITHIN_SECONDS)
        return
    process.kill()
    process.wait()


def api_beside(machine: Machine, load: Load, ours: BenchResult) -> BenchResult:
    """Put *load* on a FastAPI ingest API that writes to the machine's broker."""
    python = bench_python()
    what = "FastAPI, pydantic models, aiokafka send per item"
    if python is None:
        return missing(what)
    port, key = free_port(), "baseline-key"
    argv = [python, str(PROGRAMS / "fastapi_api.py")]
    argv += [machine.settings.kafka_bootstrap, str(port)]
    with running(argv, environment={"BASELINE_KEY": key}) as program:
        try:
            _await_port(program, port)
        except BaselineError as error:
            return BenchResult(name=f"baseline: {what}", failed=str(error))
        with watched({"fastapi": program.process.pid, **machine.pids(KAFKA)}) as usage:
            load_result = put_load(load, port=port, keys=[key], usage=usage)
    use = usage.between(load_result.started, load_result.ended, events=load_result.items)
    rate = load_result.items / (load_result.ended - load_result.started)
    return BenchResult(
        name=f"baseline: {what}",
        metrics=[
            Metric("acked", rate, "events/s"),
            Metric("ingest API CPU", use["fastapi"].cpu_us_per_event, "µs/event"),
            *_ratios(ours, "acked", "ingest API CPU", (rate, use["fastapi"]), Bar(at_least=3.5)),
        ],
        processes=use,
        detail={"statuses": load_result.statuses},
    )


def stream_beside(machine: Machine, options: Options, ours: BenchResult) -> list[BenchResult]:
    """Let Faust with a table and quixstreams with its state store read the machine's topics.

    The worker must be halted; each baseline has a group and a table of its own.
    """
    with machine.client() as client:
        client.command("CREATE DATABASE IF NOT EXISTS bench")
        for name in ("bench.faust", "bench.quix"):
            client.command(TABLE.format(name=name))
    seconds = options.seconds
    faust = _consumer(
        machine,
        [sys.executable, str(PROGRAMS / "faust_table.py")],
        ("Faust agent and table per message", "faust", 25),
        seconds=seconds,
        ours=ours,
    )
    what, python = "quixstreams with its state store", bench_python()
    if python is None:
        return [faust, missing(what)]
    argv = [python, str(PROGRAMS / "quix_state.py")]
    quix = _consumer(machine, argv, (what, "quix", 3), seconds=seconds, ours=ours)
    return [faust, quix]


def _consumer(
    machine: Machine,
    argv: list[str],
    names: tuple[str, str, float],
    *,
    seconds: float,
    ours: BenchResult,
) -> BenchResult:
    what, short, times = names
    argv += [machine.settings.kafka_bootstrap, str(machine.settings.clickhouse_port)]
    argv += [f"bench.{short}", f"baseline-{short}", ",".join(row.topic for row in EVENT_TYPES)]
    with running(argv) as program:
        pids = {short: program.process.pid, **machine.pids(KAFKA, CLICKHOUSE)}
        with watched(pids) as usage:
            try:
                notes = _notes(program, seconds)
            except BaselineError as error:
                return BenchResult(name=f"baseline: {what}", failed=str(error))
    (started, before), (ended, after) = notes[0], notes[-1]
    events = after - before
    use = usage.between(started, ended, events=events)
    rate = events / (ended - started)
    rows = machine.rows(f"SELECT count() FROM bench.{short}")[0][0]  # noqa: S608 - two names
    return BenchResult(
        name=f"baseline: {what}",
        metrics=[
            Metric("stored", rate, "events/s"),
            Metric("worker CPU", use[short].cpu_us_per_event, "µs/event"),
            *_ratios(ours, "stored", "worker CPU", (rate, use[short]), Bar(at_least=times)),
        ],
        processes=use,
        detail={"events": events, "seconds": round(ended - started, 3), "rows": rows},
    )


def _notes(program: Program, seconds: float) -> list[tuple[float, int]]:
    """The progress that the program reported, for *seconds* after its first report.

    Raises:
        BaselineError: it reported nothing in time, or only once.
    """
    begun = first = time.monotonic()
    while time.monotonic() < begun + STARTS_WITHIN_SECONDS and program.process.poll() is None:
        if not program.lines:
            first = time.monotonic()
        elif len(program.lines) > 1 and time.monotonic() > first + seconds:
            break
        time.sleep(0.1)
    notes = [json.loads(line) for line in list(program.lines)]
    if len(notes) < 2:
        raise BaselineError(program.complaint() or "it stored nothing")
    return [(note["at"], note["events"]) for note in notes]


def _ratios(
    ours: BenchResult, rate: str, cpu: str, theirs: tuple[float, Use], bar: Bar
) -> Iterator[Metric]:
    """The ratio of Railhead's rate to theirs, and of their CPU to Railhead's."""
    per_second, use = theirs
    own_rate, own_cpu = ours.metric(rate), ours.metric(cpu)
    if own_rate and own_cpu:
        ratio = own_rate / max(per_second, 1e-9)
        yield Metric("Railhead is faster by", ratio, "times", bar)
        saved = use.cpu_us_per_event / own_cpu
        yield Metric("Railhead uses less CPU by", saved, "times")


def _await_port(program: Program, port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and program.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise BaselineError(program.complaint() or "it does not listen")
