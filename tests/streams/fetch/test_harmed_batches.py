"""Corrupt batches raise the errors that aiokafka raises, and never become a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from streams.fetch.fetcher_seam import as_batches
from tests.streams.fetch.any_fetch import MANY, batches, fetches
from tests.streams.fetch.fetched import Fetched, endless, outcome
from tests.streams.fetch.kafka_batches import (
    HEADER_BYTES,
    OLD_FORMATS,
    Made,
    Record,
    old_batch,
    sealed,
)

pytestmark = pytest.mark.usefixtures("batches_installed")


@MANY
@given(st.data(), batches(0), st.sampled_from([sealed, bytes]))
def test_what_is_no_record_is_an_error_and_never_a_record(
    data: st.DataObject, made: Made, finish: Callable[[bytearray], bytes]
) -> None:
    """A byte changed, left out or added: refused as by aiokafka, at the latest by the checksum.

    Except names of headers that are no text: see below.
    """
    batch = bytearray(Made(0, made.records, made.last_delta, made.codec).to_bytes())
    at = data.draw(st.integers(HEADER_BYTES, len(batch)))
    batch[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    harmed = finish(batch)
    expected, error = outcome(Fetched(harmed, own=True).by_record(endless([None])))

    came, ours = outcome(Fetched(harmed).by_batch(endless([None])))

    if error is UnicodeDecodeError and ours is None:
        assert "\ufffd" in str(came)
        return
    assert came == expected
    assert ours in {error, CorruptRecordException} if error else ours is None


@pytest.mark.parametrize(
    "body",
    [
        "14 0000 00 01 01 00 02 61 02 62",  # bytes behind the last header
        "0a 0000 00 01 01",  # no number of headers
        "14 0000 00 01 01 01 02 61 02 62",  # a negative number of headers
        "14 0000 00 01 01 02 01 61 02 62",  # a header's name of negative size
        "14 0000 00 01 01 02 7e 61 02 62",  # a header's name past the end
        "14 0000 00 01 01 02 02 61 7e 62",  # a header past the end
        "14 0000 00 01 7e 02 02 61 02 62",  # a value past the end
        "26 0000 00 01 feffffffffffffffff01 02 02 61 02 62",  # a value without end
        "26 0000 00 feffffffffffffffff01 01 02 02 61 02 62",  # a key without end
        "2a 80808080808080808080 8000 00 01 01 02 02 61 02 62",  # a number without end
        "13 0000 00 01 01 02 02 61 02 62",  # a negative length
        "fe7f 00 00 00 01 01 02 02 61 02 62",  # a length past the end
        "8080808080808080808000",  # a length without end
        "12 0000 00 01 01 02 02 61 02 62",  # a length too short
        "16 0000 00 01 01 02 02 61 02 62",  # a length too long
    ],
)
def test_each_field_is_looked_after(body: str) -> None:
    """One record, not compressed, its checksum right: 14 0000 00 01 01 02 02 61 02 62 is good."""
    good = Made(0, [Record(0, None, headers=[("a", b"b")])], 0).to_bytes()
    assert good[HEADER_BYTES:] == bytes.fromhex("14 0000 00 01 01 02 02 61 02 62")
    harmed = sealed(bytearray(good[:HEADER_BYTES] + bytes.fromhex(body)))

    assert outcome(Fetched(harmed, own=True).by_record(endless([None])))[1] is not None
    assert outcome(Fetched(harmed).by_batch(endless([None]))) == ([], CorruptRecordException)


@MANY
@given(fetches(), st.data())
def test_rubbish_ends(fetch: tuple[bytes, Any, Any], data: st.DataObject) -> None:
    """Without a checksum to hold it off, in the headers of batches too."""
    harmed = bytearray(fetch[0])
    for _ in range(data.draw(st.integers(1, 5)) if harmed else 0):
        harmed[data.draw(st.integers(0, len(harmed) - 1))] = data.draw(st.integers(0, 255))
    harmed = harmed[: data.draw(st.integers(0, len(harmed)))]

    for check in (True, False):
        steps = Fetched(bytes(harmed), check_crcs=check).by_batch(endless([None]))
        outcome(steps)


def test_a_batch_shorter_than_its_header_is_corrupt() -> None:
    """Aiokafka reads on past its end."""
    batch = bytearray(Made(0, [Record(0)], 0).to_bytes()[:40])
    batch[8:12] = (28).to_bytes(4, "big")

    assert outcome(Fetched(bytes(batch)).by_batch(endless([None])))[1] is CorruptRecordException


def test_after_an_error_the_same_records_are_fetched_again() -> None:
    """Nothing of the fetch is given, and the position stays."""
    good, bad = Made(0, [Record(0), Record(1)], 1), Made(2, [Record(0)], 0)
    data = good.to_bytes() + bad.to_bytes()[:-1] + b"\xff"
    fetched = Fetched(data)
    with as_batches(lambda _: True):
        first = fetched.result.getall(1)
        with pytest.raises(CorruptRecordException):
            fetched.result.getall(9)
        again = fetched.result.getall(9)

    assert (len(first), again) == (1, [])
    assert (fetched.state.position, fetched.result.has_more()) == (1, False)


@pytest.mark.parametrize("name", ["ff", "c3", "e282", "eda080", "c0af", "61ff62"])
def test_a_header_whose_name_is_no_text_stops_nothing(name: str) -> None:
    """Other clients may write any bytes; aiokafka would refuse the whole fetch, forever."""
    good = Made(0, [Record(0, None, headers=[("a", b"b")])], 0).to_bytes()
    size = len(name) // 2
    body = f"{2 * size + 18:02x} 0000 00 01 01 02 {2 * size:02x} {name} 02 62"
    odd = sealed(bytearray(good[:HEADER_BYTES] + bytes.fromhex(body)))
    assert outcome(Fetched(odd, own=True).by_record(endless([None])))[1] is UnicodeDecodeError

    for steps in (
        Fetched(odd).by_batch(endless([None])),
        Fetched(odd).by_record(endless([None])),
    ):
        (((rows, *_),), error) = outcome(steps)

        assert error is None
        text = bytes.fromhex(name).decode("utf-8", "replace")
        assert [headers for *_, headers in rows] == [((text, b"b"),)]


@MANY
@given(st.data(), st.sampled_from(OLD_FORMATS))
def test_an_old_batch_that_is_none_is_corrupt(
    data: st.DataObject, old_format: tuple[int, int]
) -> None:
    """Whatever is changed in it: refused, by its checksum at the latest; and it always ends."""
    version, codec = old_format
    good = old_batch(5, [b"a", b"bb" * 20, b"c"], version=version, codec=codec)
    harmed = bytearray(good)
    at = data.draw(st.integers(12, len(harmed) - 1))
    harmed[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))

    _, error = outcome(Fetched(bytes(harmed), offset=5).by_batch(endless([None])))
    assert error in ({None} if harmed == good else {None, CorruptRecordException})
    _, error = outcome(
        Fetched(bytes(harmed), offset=5, check_crcs=False).by_record(endless([None]))
    )
    assert error in {None, CorruptRecordException}
