"""Bytes in flight: bounded, and shared fairly."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ingest_http.admission import Room, Ticket
from ingest_http.health import not_ready_reasons
from tests.ingest_http.doors import OpenADoor, casino, new_tenant, until


def test_one_tenant_alone_gets_half_of_the_room() -> None:
    """The other half is there for whoever comes next."""
    room = Room(100)

    assert room.enter("a", 50)
    assert room.enter("a", 1) is None
    assert room.enter("b", 25)
    assert room.enter("b", 1) is None


def test_what_is_given_back_can_be_taken_again() -> None:
    """Leaving twice gives back once."""
    room = Room(100)
    ticket = room.enter("a", 50)
    assert ticket is not None

    ticket.leave()
    ticket.leave()

    assert room.used_bytes == 0
    assert room.enter("a", 50)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.booleans()), max_size=60))
def test_room_is_never_overbooked(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever comes, the sum of what is held is what is used, and no more than there is."""
    room = Room(100)
    tickets: list[Ticket] = []
    for tenant, size, leave in steps:
        if leave and tickets:
            tickets.pop().leave()
            continue
        ticket = room.enter(tenant, size)
        if ticket is not None:
            tickets.append(ticket)

    assert room.used_bytes == sum(ticket.held_bytes for ticket in tickets) <= 100


async def test_tenant_past_its_share_is_503_and_others_are_served(open_door: OpenADoor) -> None:
    """A flood of one does not close the door for the others."""
    async with open_door(max_in_flight_bytes=3_800, drain_seconds=0.1) as door:
        other = new_tenant(door.door.settings.tenants_file, "other")
        door.memory.silent_topics.add("fasttrack.realtime-casino")
        waiting = [asyncio.create_task(door.push([casino("a")])) for _ in range(3)]
        await until(lambda: door.door.room.held_by("acme") > 1_400)

        refused = await door.push([casino("b")])
        served = await door.push([7], x_api_key=other)

        assert refused.status == 503
        assert refused.json()["error"] == "overloaded"
        assert refused.headers["Retry-After"] == "1"
        assert served.status == 204
        for task in waiting:
            task.cancel()


async def test_room_is_held_until_kafka_answered_not_until_the_sender_was(
    open_door: OpenADoor,
) -> None:
    """After a 510 the records are still in memory; nobody else may use that memory."""
    async with open_door(request_deadline_seconds=0.1) as door:
        door.memory.silent_topics.add("fasttrack.realtime-casino")

        assert (await door.push([casino("a")])).status == 510
        assert door.door.room.used_bytes > 0


async def test_full_room_is_not_ready(open_door: OpenADoor) -> None:
    """A balancer should send elsewhere."""
    async with open_door(max_in_flight_bytes=1_000) as door:
        assert not_ready_reasons(door.door) == []
        door.door.room.take("x", 950)

        assert "in flight" in not_ready_reasons(door.door)[0]
