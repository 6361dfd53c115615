"""What becomes of batches that are none? The errors that aiokafka raises, and never a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from streams.fetched_slices import as_slices
from tests.streams.any_fetch import MANY, batches, fetches
from tests.streams.fetched import Fetched, endless, outcome
from tests.streams.kafka_batches import HEADER_BYTES, Made, Record, sealed

pytestmark = pytest.mark.usefixtures("slices_installed")


@MANY
@given(st.data(), batches(0), st.sampled_from([sealed, bytes]))
def test_what_is_no_record_is_an_error_and_never_a_record(
    data: st.DataObject, made: Made, finish: Callable[[bytearray], bytes]
) -> None:
    """A byte changed, left out or added: refused as by aiokafka, at the latest by the checksum."""
    batch = bytearray(Made(0, made.records, made.last_delta, made.codec).to_bytes())
    at = data.draw(st.integers(HEADER_BYTES, len(batch)))
    batch[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    harmed = finish(batch)
    expected, error = outcome(Fetched(harmed).by_record(endless([None])))

    came, ours = outcome(Fetched(harmed).by_slice(endless([None])))

    assert came == expected
    assert ours in {error, CorruptRecordException} if error else ours is None


@MANY
@given(fetches(), st.data())
def test_rubbish_ends(fetch: tuple[bytes, Any, Any], data: st.DataObject) -> None:
    """Without a checksum to hold it off, in the headers of batches too."""
    harmed = bytearray(fetch[0])
    for _ in range(data.draw(st.integers(1, 5)) if harmed else 0):
        harmed[data.draw(st.integers(0, len(harmed) - 1))] = data.draw(st.integers(0, 255))
    harmed = harmed[: data.draw(st.integers(0, len(harmed)))]

    for check in (True, False):
        steps = Fetched(bytes(harmed), check_crcs=check).by_slice(endless([None]))
        outcome(steps)


def test_a_batch_shorter_than_its_header_is_corrupt() -> None:
    """Aiokafka reads on past its end."""
    batch = bytearray(Made(0, [Record(0)], 0).to_bytes()[:40])
    batch[8:12] = (28).to_bytes(4, "big")

    assert outcome(Fetched(bytes(batch)).by_slice(endless([None])))[1] is CorruptRecordException


def test_after_an_error_the_same_records_are_fetched_again() -> None:
    """Nothing of the fetch is given, and the position stays."""
    good, bad = Made(0, [Record(0), Record(1)], 1), Made(2, [Record(0)], 0)
    data = good.to_bytes() + bad.to_bytes()[:-1] + b"\xff"
    fetched = Fetched(data)
    with as_slices(lambda _: True):
        first = fetched.result.getall(1)
        with pytest.raises(CorruptRecordException):
            fetched.result.getall(9)
        again = fetched.result.getall(9)

    assert (len(first), again) == (1, [])
    assert (fetched.state.position, fetched.result.has_more()) == (1, False)
