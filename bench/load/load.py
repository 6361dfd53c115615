"""Puts load on an ingest API: starts a generator and reads its result."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.load.corpus import Corpus
from bench.load.plan import LoadPlan, LoadResult, write_bodies
from bench.load.usage import Usage

LATE_SECONDS: Final = 60.0


class LoadError(Exception):
    """The generator failed; the text is its error output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to post and how fast; see `LoadPlan`."""

    corpus: Corpus
    connections: int
    seconds: float
    events_per_second: float | None = None
    warm_up_seconds: float = 1.0
    first_lap: int = 1


def put_load(load: Load, *, port: int, keys: Sequence[str], usage: Usage) -> LoadResult:
    """Post to the ingest API on loopback *port*; the generator's own CPU goes into *usage*.

    Raises:
        LoadError: it failed, or did not end in time.
    """
    with tempfile.TemporaryDirectory(prefix="railhead-load-") as directory:
        bodies, plan_file = Path(directory, "bodies"), Path(directory, "plan.json")
        write_bodies([batch.body for batch in load.corpus.evening], bodies)
        plan = LoadPlan(
            host="127.0.0.1",
            port=port,
            keys=list(keys),
            bodies_file=str(bodies),
            items_per_body=load.corpus.batch_size,
            prefix=load.corpus.prefix.decode(),
            connections=load.connections,
            seconds=load.seconds,
            warm_up_seconds=load.warm_up_seconds,
            events_per_second=load.events_per_second,
            first_lap=load.first_lap,
        )
        plan_file.write_text(json.dumps(asdict(plan)))
        return _run(plan_file, within_seconds=plan.seconds + LATE_SECONDS, usage=usage)


def _run(plan_file: Path, *, within_seconds: float, usage: Usage) -> LoadResult:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load.generator", str(plan_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    usage.add("generator", process.pid)
    try:
        said, trouble = process.communicate(timeout=within_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise LoadError(f"the load generator took more than {within_seconds:.0f} s") from None
    if process.returncode:
        raise LoadError(trouble.decode("utf-8", "replace")[-2000:])
    load_result = json.loads(said)
    return LoadResult(
        **{**load_result, "acked": [(at, items) for at, items in load_result["acked"]]}
    )
