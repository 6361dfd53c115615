"""Asks every part: broker, ingest API, database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from railhead.doctor.database import store
from railhead.doctor.finding import DoctorFinding, State
from railhead.doctor.ingest_api import api
from railhead.doctor.kafka import broker, workers
from railhead.doctor.target import Target
from railhead.waiting import each_waiting_for, waiting_for


def look(target: Target) -> Iterator[DoctorFinding]:
    """Ask every part; a part that cannot be asked is a finding like any other."""
    with waiting_for(target.kafka):
        kafka = asyncio.run(broker(target))
    yield kafka
    if kafka.state is not State.FAIL:
        with waiting_for(target.kafka):
            group = asyncio.run(workers(target))
        yield group
    with waiting_for(target.api):
        answer = asyncio.run(api(target.api_url, target.api))
    yield from answer
    if target.settings is not None:
        yield from each_waiting_for(target.clickhouse, store(target, target.settings))
