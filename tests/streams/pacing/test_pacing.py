"""How long a writer lets its next insert batch grow: short when much is queued."""

from __future__ import annotations

import pytest

from streams.fetch import fetched_batch
from streams.pacing import rate_meter
from streams.partition.writer import (
    ENOUGH_ROWS,
    FEW_ROWS,
    LONGEST_WAIT,
    MANY_RECORDS_A_SECOND,
    Pacing,
    PartitionWriter,
)
from tests.streams.pacing.reject_spikes import GOOD, Topic, fetched

SHARE, LONGEST_SECONDS = 0.5, 0.2
MOST_ROWS, MOST_BYTES = 50_000, 2**20


@pytest.fixture
def good(clock: list[float]) -> PartitionWriter:
    """A writer with nothing queued; its rate meter's clock stands still."""
    assert clock
    topic = Topic(rejects_per_second=1.0)
    topic.good._pacing = Pacing(MOST_ROWS, MOST_BYTES, SHARE, LONGEST_SECONDS)
    return topic.good


async def queue(good: PartitionWriter, records: int, value: bytes = b"") -> None:
    """Queue *records* and leave them unwritten."""
    await good.take(lambda: None, fetched(GOOD, 0, count=records, value=value))
    # What came in to be queued is no load here.
    good._rate_meter = type(good._rate_meter)()


@pytest.mark.parametrize(
    ("took_seconds", "pause_seconds"),
    [(0.0, 0.0), (0.01, 0.005), (0.1, 0.05), (0.4, 0.2), (30.0, 0.2)],
)
async def test_the_pause_is_a_share_of_the_write_up_to_the_longest(
    good: PartitionWriter, took_seconds: float, pause_seconds: float
) -> None:
    """A slow store is asked less often, but never for long."""
    assert good._pause(took_seconds, FEW_ROWS) == pytest.approx(pause_seconds)


@pytest.mark.parametrize(
    ("records", "times"),
    [(0, LONGEST_WAIT), (1, LONGEST_WAIT), (FEW_ROWS - 1, LONGEST_WAIT), (FEW_ROWS, 1)],
)
async def test_a_small_range_may_wait_longer(
    good: PartitionWriter, records: int, times: float
) -> None:
    """A few rows cost the store as much as some thousand."""
    assert good._pause(30.0, records) == pytest.approx(times * LONGEST_SECONDS)


@pytest.mark.parametrize(("a_second", "times"), [(0.9, 1), (1.1, LONGEST_WAIT)])
async def test_under_heavy_load_every_range_may_wait_longer(
    good: PartitionWriter, a_second: float, times: float
) -> None:
    """Fewer inserts leave more of the processor for events."""
    good._rate_meter.note(round(a_second * MANY_RECORDS_A_SECOND * rate_meter.OVER_SECONDS))

    assert good._pause(30.0, ENOUGH_ROWS) == pytest.approx(times * LONGEST_SECONDS)


@pytest.mark.parametrize(
    ("records", "value", "waits"),
    [
        (ENOUGH_ROWS - 1, b"", True),
        (ENOUGH_ROWS, b"", False),
        (7, b"x" * (MOST_BYTES // 14 - 1), True),
        (7, b"x" * (MOST_BYTES // 14 + 1), False),
    ],
    ids=["not enough rows", "enough rows", "not half of the bytes", "half of the bytes"],
)
async def test_what_has_grown_already_is_written_at_once(
    good: PartitionWriter,
    records: int,
    value: bytes,
    *,
    waits: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is gained by waiting: an insert's fixed cost is small beside its rows by then."""
    monkeypatch.setattr(fetched_batch, "RECORD_BYTES", 0)
    await queue(good, records, value)

    assert (good._pause(30.0, FEW_ROWS) > 0) is waits


async def test_a_small_insert_limit_is_enough_rows(good: PartitionWriter) -> None:
    """A range that is full cannot grow."""
    good._pacing = Pacing(100, MOST_BYTES, SHARE, LONGEST_SECONDS)
    await queue(good, 100)

    assert good._pause(30.0, FEW_ROWS) == 0.0


async def test_no_pause_is_set_no_pause_is_made(good: PartitionWriter) -> None:
    """Both settings can switch it off."""
    for pacing in (
        Pacing(MOST_ROWS, MOST_BYTES, 0.0, LONGEST_SECONDS),
        Pacing(MOST_ROWS, MOST_BYTES, SHARE, 0.0),
    ):
        good._pacing = pacing

        assert good._pause(30.0, 1) == 0.0
