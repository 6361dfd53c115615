"""A long batch is opened on a thread: nobody waits for it who could go on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from aiokafka.errors import CorruptRecordException

from streams.fetch import batch_headers
from streams.fetch.fetcher_seam import as_batches, waits_for_turn
from streams.fetch.opening_aside import OpeningAside, is_opening
from tests.streams.fetch.bombs import batch, old_batch, old_records, records
from tests.streams.fetch.fetched import EVENTS, Fetched, endless, get, outcome

pytestmark = pytest.mark.usefixtures("batches_installed")

COUNT = 30


@pytest.fixture(autouse=True)
def little_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens to more than some bytes is long."""
    monkeypatch.setattr(batch_headers, "WHOLE_BYTES", 5_000)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """The thread opens nothing until this is set."""
    gate = threading.Event()
    held = OpeningAside(Fetched(b"").result._partition_records, lambda: gate.wait(60))
    yield gate
    gate.set()
    assert held.is_done(wait_seconds=60)


def long() -> bytes:
    """A batch that opens to more than is held."""
    return batch("gzip", records(1_000, COUNT), COUNT)


def old() -> bytes:
    """The same in an old format, which are opened twice."""
    return old_batch("gzip", old_records(500_000, COUNT, version=1), version=1)


def now(fetch: Fetched, *, in_batches: bool) -> int:
    """How many records can be taken without waiting."""
    with as_batches(lambda _: in_batches):
        return len(fetch.result.getall()) if fetch.result.has_more() else 0


@pytest.mark.parametrize("made", [long, old])
@pytest.mark.parametrize("in_batches", [True, False])
def test_others_are_read_while_it_is_opened(
    gate: threading.Event, made: type, *, in_batches: bool
) -> None:
    """It counts as waiting meanwhile, and comes when it is open."""
    slow, quick = Fetched(made()), Fetched(batch("gzip", records(10, 3), 3))

    assert [now(slow, in_batches=in_batches) for _ in range(3)] == [0, 0, 0]
    assert waits_for_turn(EVENTS)
    assert is_opening()
    assert now(quick, in_batches=in_batches) == 3
    assert (slow.state.position, slow.result.has_more()) == (0, True)
    gate.set()
    found = 0
    while slow.result.has_more():
        with as_batches(lambda _: in_batches):
            found += len(get(slow.result))
    assert found == COUNT


def test_what_comes_before_it_is_not_held_up(gate: threading.Event) -> None:
    """A fetch that begins with short batches gives them at once."""
    short = batch("gzip", records(10, 3), 3)
    fetch = Fetched(short + batch("gzip", records(1_000, COUNT), COUNT, base=3))

    assert now(fetch, in_batches=True) == 3
    assert now(fetch, in_batches=True) == 0
    assert fetch.state.position == 3
    gate.set()
    with as_batches(lambda _: True):
        assert len(get(fetch.result)) > 0


def test_a_seek_meanwhile_drops_it(gate: threading.Event) -> None:
    """As it drops everything that was fetched elsewhere."""
    fetch = Fetched(long())
    assert now(fetch, in_batches=True) == 0

    fetch.state.position = 7

    assert now(fetch, in_batches=True) == 0
    assert not fetch.result.has_more()
    gate.set()


def test_one_that_is_dropped_before_its_turn_is_not_opened(gate: threading.Event) -> None:
    """A rebalance drops all that was fetched; its successor need not wait for that."""
    opened: list[int] = []
    dropped = OpeningAside(Fetched(long()).result._partition_records, lambda: opened.append(1))
    del dropped
    last = OpeningAside(Fetched(long()).result._partition_records, lambda: opened.append(2))
    gate.set()

    assert last.is_done(wait_seconds=60)
    assert opened == [2]


def test_an_error_is_raised_where_it_is_collected_and_keeps_nothing() -> None:
    """Nothing waits for a collection of garbage."""
    good = long()
    harmed = Fetched(good[:-20] + bytes(20), check_crcs=False)
    gc.disable()
    try:
        _, error = outcome(harmed.by_batch(endless([None])))
        kept = [one for one in gc.get_objects() if isinstance(one, OpeningAside)]
    finally:
        gc.enable()
    assert error is CorruptRecordException
    assert [one for one in kept if one.records.__class__.__name__ == "BatchRecords"] == []


def test_a_consumer_without_a_group_opens_it_at_once() -> None:
    """It has no heartbeat to miss: `railhead reconcile` reads on."""
    assert len(Fetched(long()).result.getall()) > 0
