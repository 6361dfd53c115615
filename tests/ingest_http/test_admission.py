"""Bytes in flight: bounded, and shared fairly."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ingest_http.body.admission import AdmissionControl, Reservation
from ingest_http.http.health import not_ready_reasons
from tests.ingest_http.running_api import StartApi, casino, new_tenant, until


def test_one_tenant_alone_gets_half_of_the_room() -> None:
    """The other half is there for whoever comes next."""
    admission = AdmissionControl(100)

    assert admission.enter("a", 50)
    assert admission.enter("a", 1) is None
    assert admission.enter("b", 25)
    assert admission.enter("b", 1) is None


def test_what_is_given_back_can_be_taken_again() -> None:
    """Leaving twice gives back once."""
    admission = AdmissionControl(100)
    reservation = admission.enter("a", 50)
    assert reservation is not None

    reservation.leave()
    reservation.leave()

    assert admission.used_bytes == 0
    assert admission.enter("a", 50)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.booleans()), max_size=60))
def test_room_is_never_overbooked(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever comes, the sum of what is held is what is used, and no more than there is."""
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
    """A flood of one does not close the door for the others."""
    async with start_api(max_in_flight_bytes=3_800, drain_seconds=0.1) as api:
        other = new_tenant(api.api.settings.tenants_file, "other")
        api.memory.silent_topics.add("fasttrack.realtime-casino")
        waiting = [asyncio.create_task(api.post_items([casino("a")])) for _ in range(3)]
        await until(lambda: api.api.admission.held_by("acme") > 1_400)

        refused = await api.post_items([casino("b")])
        served = await api.post_items([7], x_api_key=other)

        assert refused.status == 503
        assert refused.json()["error"] == "overloaded"
        assert refused.headers["Retry-After"] == "1"
        assert served.status == 204
        for task in waiting:
            task.cancel()


async def test_room_is_held_until_kafka_answered_not_until_the_sender_was(
    start_api: StartApi,
) -> None:
    """After a 510 the records are still in memory; nobody else may use that memory."""
    async with start_api(request_deadline_seconds=0.1) as api:
        api.memory.silent_topics.add("fasttrack.realtime-casino")

        assert (await api.post_items([casino("a")])).status == 510
        assert api.api.admission.used_bytes > 0


async def test_full_room_is_not_ready(start_api: StartApi) -> None:
    """A balancer should send elsewhere."""
    async with start_api(max_in_flight_bytes=1_000) as api:
        assert not_ready_reasons(api.api) == []
        api.api.admission.take("x", 950)

        assert "in flight" in not_ready_reasons(api.api)[0]
