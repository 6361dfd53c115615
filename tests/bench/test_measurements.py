"""The measurements' own arithmetic is right: laps, CPU, lag, bars, answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.load.corpus import Corpus, lap_prefix
from bench.load.generator import Generator
from bench.load.plan import LoadPlan, LoadResult, read_bodies, write_bodies
from bench.load.usage import Track
from bench.measurements.stream import Progress
from bench.measurements.whole import lag_at
from bench.results import Bar, BenchResult, Metric


def test_laps_are_as_long_as_the_evening_and_share_no_id_with_it() -> None:
    """A lap has the evening's repeats under ids of its own, in bodies of the same length."""
    corpus = Corpus(2_000, 500)
    first, other = list(corpus.lap(1)), list(corpus.lap(2))

    assert [len(body) for body in first] == [len(batch.body) for batch in corpus.evening]
    assert not any(corpus.prefix in body for body in first)
    assert not any(lap_prefix(corpus.prefix, 1) in body for body in other)


def test_the_mix_is_the_one_promised() -> None:
    """About 5% repeats and 1% invalid items, 200 to 600 bytes an item on the whole."""
    corpus = Corpus(100_000, 1_000)

    assert corpus.tally.items == 100_000
    assert 0.04 < corpus.tally.total("repeat") / 100_000 < 0.06
    assert 0.005 < corpus.tally.total("rejected") / 100_000 < 0.015
    assert 200 < corpus.mean_item_bytes < 600


def test_cpu_between_two_samples_is_shared_out_by_time() -> None:
    """What was used between two samples counts by how much of that time is in the window."""
    track = Track(moments=[0.0, 1.0, 2.0], cpu_seconds=[0.0, 1.0, 1.0], resident_bytes=[1, 9, 2])

    assert track.cpu_between(0.5, 2.0) == pytest.approx(0.5)
    assert track.cpu_between(-5.0, 9.0) == pytest.approx(1.0)
    assert track.peak_bytes(1.5, 2.0) == 2


def test_lag_is_what_was_acknowledged_minus_what_is_finished() -> None:
    """Both sides count from the start of the load; lag is never below zero."""
    load_result = _load_result([(1.0, 100), (2.0, 100)])
    done = Progress([1.5, 3.0], [50, 150], stored=200, duplicates=0, conflicts=0, rejected=0)

    assert lag_at([0.5, 1.2, 1.7, 2.5, 3.5], load_result, done) == [0, 100, 50, 150, 0]


def test_the_first_range_opens_the_measured_time_and_does_not_count() -> None:
    """Work on it was done before the clock started."""
    done = Progress([10.0, 12.0], [500, 1_000], stored=0, duplicates=0, conflicts=0, rejected=0)

    assert done.per_second == pytest.approx(500)


def test_with_several_workers_time_counts_from_when_all_are_there() -> None:
    """Until then the first works alone; with too few offset ranges after that, all count."""
    done = Progress([1.0, 2.0, 4.0], [5, 70, 80], stored=0, duplicates=0, conflicts=0, rejected=0)

    assert done.after(1.5).per_second == pytest.approx(40)
    assert done.after(3.0) is done


@pytest.mark.parametrize(
    ("bar", "value", "met"),
    [
        (Bar(at_least=5), 5, True),
        (Bar(at_least=5), 4.9, False),
        (Bar(at_most=5), 5.1, False),
        (Bar(at_most=5), 0, True),
    ],
)
def test_a_metric_is_compared_with_its_bar(bar: Bar, value: float, *, met: bool) -> None:
    """JSON says for each metric whether its bar was met, and nothing where there is no bar."""
    metrics = [
        Metric("a", value, "s", bar),
        Metric("b", 1.0, "s"),
    ]

    written = BenchResult(name="x", metrics=metrics).as_json()

    assert [metric["met"] for metric in written["metrics"]] == [met, None]


async def test_the_generator_counts_only_204_as_acknowledged(tmp_path: Path) -> None:
    """Other answers are counted by their status, and bodies of answers are skipped."""
    answers = [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry",
    ]
    posted: list[bytes] = []

    async def api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            posted.append(await reader.readexactly(size))
            writer.write(answers[len(posted) % 2])
        writer.close()

    server = await asyncio.start_server(api, "127.0.0.1", 0)
    bodies = tmp_path / "bodies"
    write_bodies([b'["ab1"]', b'["ab22"]'], bodies)
    plan = LoadPlan(
        host="127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        keys=["key"],
        bodies_file=str(bodies),
        items_per_body=1,
        prefix="00000a",
        connections=1,
        seconds=0.3,
        warm_up_seconds=0.0,
    )

    load_result = await Generator(plan).run()
    server.close()

    assert read_bodies(bodies) == posted[:2]
    assert set(load_result.statuses) == {"204", "503"}
    assert load_result.items == load_result.statuses["204"]
    assert 0 < load_result.p50_ms <= load_result.p99_ms <= load_result.max_ms


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _load_result(acked: list[tuple[float, int]]) -> LoadResult:
    return LoadResult(
        started=0.0,
        ended=1.0,
        requests=0,
        items=0,
        statuses={},
        p50_ms=0.0,
        p99_ms=0.0,
        max_ms=0.0,
        laps=1,
        acked=acked,
    )
