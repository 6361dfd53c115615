"""The checks of an installation: of this machine, the settings, the processes and each part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from railhead.doctor import machine, settings
from railhead.doctor.checks import Check
from railhead.doctor.finding import State
from railhead.doctor.parts import database, ingest_api, kafka
from railhead.doctor.parts.processes import process_checks
from railhead.doctor.target import Target


def checks(target: Target) -> Iterator[Check]:
    """Every check of *target*; none depends on another one."""
    files = f"the files of {target.data_dir}"
    network = "A disk or a network file system does not answer: see the kernel's log."
    yield Check("this machine", files, network, lambda: machine.look(target))
    yield Check("settings", "the environment", network, settings.look)
    yield from process_checks(target)
    about_kafka = target.advisor.about(target.kafka)
    yield Check("kafka", target.kafka, about_kafka, lambda: [asyncio.run(kafka.broker(target))])
    yield Check(
        "workers",
        target.kafka,
        about_kafka,
        lambda: [asyncio.run(kafka.workers(target))],
        State.WARN,
    )
    about_api = target.advisor.about(target.api)
    yield Check("door", target.api, about_api, lambda: [asyncio.run(ingest_api.api(target))])
    yield from _database_checks(target)


def _database_checks(target: Target) -> Iterator[Check]:
    store = target.settings
    if store is None:
        return
    advice = target.advisor.about(target.clickhouse)
    yield Check("clickhouse", target.clickhouse, advice, lambda: database.database(target, store))
    both = f"{target.kafka} and {target.clickhouse}"
    see = "See kafka and clickhouse above; with much data it may also take longer than this."
    yield Check("lag", both, see, lambda: [database.lag(target, store)], State.WARN)
    yield Check("gaps", both, see, lambda: [database.gaps(target, store)], State.WARN)
