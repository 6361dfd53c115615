"""Bytes in flight: bounded, and shared fairly."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.contract.id_rules import DEFAULT_RULES
from events.contract.registry import REJECTED_TOPIC
from ingest_http.batch import (
    CHUNK_ITEMS,
    ITEM_BYTES,
    REJECTION_BYTES,
    CheckOptions,
    check,
    split_items,
)
from ingest_http.body.admission import AdmissionControl, Reservation
from ingest_http.body.body import BodyPlan, read_body
from ingest_http.dead_letters import RequestOrigin
from ingest_http.http.health import not_ready_reasons
from tests.ingest_http.running_api import StartApi, casino, new_tenant, until

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOOD = json.dumps(casino("a")).encode()
ITEMS = {
    "valid ones": [GOOD] * 3,
    "numbers": [b"1"] * 2 * CHUNK_ITEMS,
    "control characters": [b'"' + b"\x01" * 2_000 + b'"', GOOD],
    "quotes": [b'"' + b'\\"' * 5_000 + b'"'] * 9,
    "not UTF-8": [b'"' + b"\xff" * 9_000 + b'"'] * 2,
    "valid ones before a bad one": [GOOD] * CHUNK_ITEMS + [b"{}"],
    "nothing": [],
}


def test_one_tenant_alone_gets_half_of_the_limit() -> None:
    """The other half is left for the next tenant."""
    admission = AdmissionControl(100)

    assert admission.enter("a", 50)
    assert admission.enter("a", 1) is None
    assert admission.enter("b", 25)
    assert admission.enter("b", 1) is None


def test_what_is_given_back_can_be_taken_again() -> None:
    """A second leave gives nothing back."""
    admission = AdmissionControl(100)
    reservation = admission.enter("a", 50)
    assert reservation is not None

    reservation.leave()
    reservation.leave()

    assert admission.used_bytes == 0
    assert admission.enter("a", 50)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.booleans()), max_size=60))
def test_no_more_is_held_than_allowed(steps: list[tuple[str, int, bool]]) -> None:
    """In any sequence, the bytes in use are those of the reservations, and within the limit."""
    admission = AdmissionControl(100)
    reservations: list[Reservation] = []
    for tenant, size, leave in steps:
        if leave and reservations:
            reservations.pop().leave()
            continue
        reservation = admission.enter(tenant, size)
        if reservation is not None:
            reservations.append(reservation)

    assert (
        admission.used_bytes == sum(reservation.held_bytes for reservation in reservations) <= 100
    )


async def test_tenant_past_its_share_is_503_and_others_are_served(start_api: StartApi) -> None:
    """Many requests of one tenant do not keep the others out."""
    async with start_api(max_in_flight_bytes=3_800, drain_seconds=0.1) as api:
        other = new_tenant(api.ingest.settings.tenants_file, "other")
        api.memory.silent_topics.add("fasttrack.realtime-casino")
        waiting = [asyncio.create_task(api.post_items([casino("a")])) for _ in range(3)]
        await until(lambda: api.ingest.admission.used_bytes > 1_400)

        refused = await api.post_items([casino("b")])
        served = await api.post_items([7], x_api_key=other)

        assert refused.status == 503
        assert refused.json()["error"] == "overloaded"
        assert refused.headers["Retry-After"] == "1"
        assert served.status == 204
        for task in waiting:
            task.cancel()


async def test_memory_is_held_until_kafka_answered_not_until_the_client_was(
    start_api: StartApi,
) -> None:
    """After a 510 the records are still in memory; nobody else may use that memory."""
    async with start_api(request_deadline_seconds=0.1) as api:
        api.memory.silent_topics.add("fasttrack.realtime-casino")

        assert (await api.post_items([casino("a")])).status == 510
        assert api.ingest.admission.used_bytes > 0


async def test_api_at_its_memory_limit_is_not_ready(start_api: StartApi) -> None:
    """A balancer should send elsewhere."""
    async with start_api(max_in_flight_bytes=1_000) as api:
        assert not_ready_reasons(api.ingest) == []
        api.ingest.admission.take("x", 950)

        assert "in flight" in not_ready_reasons(api.ingest)[0]


@pytest.mark.parametrize("items", ITEMS.values(), ids=ITEMS)
async def test_what_is_held_besides_the_body_is_counted(items: list[bytes]) -> None:
    """Dead letters whole, and a little for each item, as their number grows."""
    held = [0]
    origin = RequestOrigin("acme", "r", "2026-01-01T00:00:00.000Z")
    raws = split_items(b"[" + b",".join(items) + b"]", 100_000)

    batch = await check(raws, CheckOptions(DEFAULT_RULES, coerce_ids=False), origin, held.append)

    dead_letters = [
        value
        for record_group in batch.record_groups
        if record_group.topic == REJECTED_TOPIC
        for value in record_group.values
    ]
    assert len(dead_letters) == sum(item != GOOD for item in items)
    small = ITEM_BYTES * len(items) + REJECTION_BYTES * len(dead_letters)
    assert held[-1] == sum(map(len, dead_letters)) + small
    assert held == sorted(held)


class Arriving:
    """A body that arrives in one chunk."""

    def __init__(self, body: bytes) -> None:
        self._chunks = [body]

    async def readany(self) -> bytes:
        """The body, then nothing."""
        return self._chunks.pop() if self._chunks else b""

    def at_eof(self) -> bool:
        """Whether it was read."""
        return not self._chunks


@pytest.mark.parametrize("size", [1, 100_000, 1 << 20, 8 << 20, (8 << 20) + 1, 20 << 20])
@pytest.mark.parametrize(
    ("encoding", "pack", "window_bytes"),
    [
        ("", bytes, 0),
        ("gzip", gzip.compress, 1 << 15),
        ("deflate", zlib.compress, 1 << 15),
        ("zstd", zstd.compress, 1 << 23),
    ],
    ids=["plain", "gzip", "deflate", "zstd"],
)
async def test_the_window_of_a_decoder_is_counted(
    encoding: str, pack: Callable[[bytes], bytes], window_bytes: int, size: int
) -> None:
    """Besides the decompressed body; a small body has a small window."""
    reservation = AdmissionControl(1 << 30).enter("acme", 0)
    assert reservation is not None
    plan = BodyPlan(encoding, None, 32 << 20)

    body = await read_body(Arriving(pack(bytes(size))), plan, reservation)

    assert len(body) == size
    assert reservation.held_bytes >= size + min(size, window_bytes)
