"""A worker may start to read a partition anywhere, whatever lies there.

Each case is what a partition holds, each moment a way in which a worker comes to start in it. The
broker is real: markers, aborted records and the rest of deleted ones lie as it writes them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from string import ascii_lowercase
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from clickhouse_connect.driver import create_client

from events.contract.partitioner import partitions_of
from railhead.lag import lag_behind, read_ends
from sinks.connection import client_arguments
from sinks.settings import StoreSettings
from tests.system.e2e.system import RAILHEAD, System, wait_until
from tests.system.e2e.test_main_way import bet

pytestmark = pytest.mark.e2e

CASINO: Final = "fasttrack.realtime-casino"
TENANT: Final = "acme"
WITHIN_SECONDS: Final = 90

# Each character is something that a producer or an operator does to the partition:
# r: a record; i: one of an idempotent producer; c: a committed transaction of two records;
# a: an aborted one; o: one whose producer dies; d: all records so far are deleted.
CASES: Final = (
    "r",
    "c",
    "a",
    "ar",
    "aaar",
    "rc",
    "ca",
    "rca",
    "cacar",
    "rrd",
    "rrdr",
    "cadr",
    "cada",
    "ro",
    "oc",
    "iri",
    "cici",
)
REWOUND: Final = "racar"
REWOUND_OFFSETS: Final = 12
PARTITIONS: Final = len(CASES) + REWOUND_OFFSETS
DELETED: Final = {number for number, case in enumerate(CASES) if "d" in case}


@dataclass
class Story:
    """A stack, what should be seen of each partition, and what is."""

    system: System
    sent: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    seen: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    async def send(self, moment: str, cases: Mapping[str, int]) -> None:
        """Do what the *cases* say, each to its partition."""
        self.sent[moment] = {}
        for case, partition in cases.items():
            name = f"{moment}-{case}-{partition}".replace(" ", "-")
            stays = await play(self.system, case, partition, name)
            self.sent[moment][f"{case}-{partition}"] = stays

    def look(self, moment: str) -> None:
        """Wait until all that should be seen is seen, and record it."""

        def seen() -> dict[str, set[str]]:
            found: dict[str, set[str]] = {name: set() for name in self.sent[moment]}
            prefix = f"{moment}-".replace(" ", "-")
            for (unique_id,) in self.system.sql(
                f"SELECT unique_id FROM fasttrack.casino WHERE startsWith(unique_id, '{prefix}')"
            ):
                name = unique_id.removeprefix(prefix).rpartition("-")[0]
                found[name].add(unique_id)
            return found

        give_up_at = time.monotonic() + WITHIN_SECONDS
        while time.monotonic() < give_up_at:
            found = seen()
            if all(stays <= found[name] for name, stays in self.sent[moment].items()):
                break
            time.sleep(0.2)
        self.seen[moment] = found


async def play(system: System, case: str, partition: int, name: str) -> set[str]:
    """Do what *case* says; returns the ids that are then in the partition for consumers."""
    plain = AIOKafkaProducer(bootstrap_servers=system.kafka, linger_ms=0)
    idempotent = AIOKafkaProducer(bootstrap_servers=system.kafka, enable_idempotence=True)
    transactional = AIOKafkaProducer(bootstrap_servers=system.kafka, transactional_id=name)
    dying = AIOKafkaProducer(
        bootstrap_servers=system.kafka, transactional_id=f"{name}-o", transaction_timeout_ms=3000
    )
    stays: set[str] = set()
    started = [plain]
    await plain.start()
    try:
        for at, step in enumerate(case):
            ids = list(islice(ids_of(f"{name}-{at}"), 2 if step in "cao" else 1))
            by = {"i": idempotent, "c": transactional, "a": transactional, "o": dying}.get(
                step, plain
            )
            if by not in started:
                started.append(by)
                await by.start()
            if step == "d":
                await delete_records(system, partition)
                stays.clear()
                continue
            if step in "cao":
                await by.begin_transaction()
            for unique_id in ids:
                value = json.dumps(bet(unique_id)).encode()
                headers = [("tenant", TENANT.encode())]
                await by.send_and_wait(CASINO, value, partition=partition, headers=headers)
            if step == "c":
                await by.commit_transaction()
            if step == "a":
                await by.abort_transaction()
            stays |= set(ids) if step in "ric" else set()
    finally:
        for producer in started:
            # One that dies does not tell the broker that it ends.
            await (producer.client.close() if producer is dying else producer.stop())
    return stays


def ids_of(name: str) -> Iterator[str]:
    """Ids whose records are not moved to a partition of which another case deletes all."""
    ids = [f"{name}{character}" for character in ascii_lowercase]
    keys = [f"{TENANT}:{unique_id}".encode() for unique_id in ids]
    homes = partitions_of(keys, PARTITIONS)
    return (one for one, home in zip(ids, homes, strict=True) if home not in DELETED)


async def delete_records(system: System, partition: int) -> None:
    """Delete all that *partition* holds, as an operator may, and retention."""
    tp = TopicPartition(CASINO, partition)
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=-1)})
    finally:
        await admin.close()


async def commit(system: System, offsets: Mapping[int, int]) -> None:
    """Set the group of the workers, none of which may run, to *offsets*."""
    operator = AIOKafkaConsumer(
        bootstrap_servers=system.kafka, group_id="railhead", enable_auto_commit=False
    )
    await operator.start()
    try:
        partitions = {TopicPartition(CASINO, number): at for number, at in offsets.items()}
        operator.assign(list(partitions))
        await operator.commit(partitions)
    finally:
        await operator.stop()


@contextmanager
def another_worker(system: System) -> Iterator[None]:
    """A second worker, which takes half of the partitions and gives them back."""
    environment = {**system.environment, "RAILHEAD_WORKER_METRICS_PORT": "0"}
    log = (system.data_dir / "logs" / "another.log").open("w")
    process = subprocess.Popen(
        [RAILHEAD, "worker"], env=environment, cwd=system.data_dir, stdout=log, stderr=log
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def lag(system: System) -> Mapping[str, int]:
    """What `railhead doctor` calls lag."""
    store = StoreSettings(url=f"http://127.0.0.1:{system.clickhouse_port}")
    with create_client(**client_arguments(store)) as client:
        return lag_behind(asyncio.run(read_ends(system.kafka)), client).by_topic


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """All moments, one after the other; each test then looks at one case of one of them."""
    os.environ["RAILHEAD_STUCK_SECONDS"] = "20"
    system = System.make(
        tmp_path_factory.mktemp("positions") / "data",
        *("--partitions", str(PARTITIONS), "--parts", "kafka,clickhouse"),
    )
    story = Story(system)
    cases = {case: number for number, case in enumerate(CASES)}
    system.up()
    try:
        asyncio.run(story.send("first assignment", cases))
        asyncio.run(start_at_each_offset(story))
        system.again()
        story.look("first assignment")
        story.look("each offset")
        system.again("--parts", "kafka,clickhouse")
        asyncio.run(story.send("restart", cases))
        system.again()
        story.look("restart")
        with another_worker(system):
            asyncio.run(story.send("rebalance", cases))
        story.look("rebalance")
        asyncio.run(story.send("next record", dict.fromkeys(["r"], 0)))
        story.look("next record")
        yield story
    finally:
        system.down()
        del os.environ["RAILHEAD_STUCK_SECONDS"]


async def start_at_each_offset(story: Story) -> None:
    """As many partitions with the same content as it has offsets; one is read from each of them."""
    story.sent["each offset"] = {}
    offsets = {}
    for offset in range(REWOUND_OFFSETS):
        partition = len(CASES) + offset
        name = f"each-offset-{REWOUND}-{partition}"
        stays = await play(story.system, REWOUND, partition, name)
        offsets[partition] = offset
        story.sent["each offset"][f"{REWOUND}-{partition}"] = stays
    await commit(story.system, offsets)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("moment", ["first assignment", "restart", "rebalance"])
def test_every_record_that_was_sent_is_seen(story: Story, moment: str, case: str) -> None:
    """What stays in the partition is seen, what was aborted never is."""
    name = f"{case}-{CASES.index(case)}"
    seen, stays = story.seen[moment][name], story.sent[moment][name]

    if moment == "rebalance" and "d" in case:
        # A worker runs: it may have stored what was deleted then.
        aborted = {one for one in seen if case[int(one.split("-")[-1][:-1])] in "ao"}
        assert (stays - seen, aborted) == (set(), set())
    else:
        assert seen == stays


@pytest.mark.parametrize("offset", range(REWOUND_OFFSETS))
def test_a_worker_starts_at_any_committed_offset(story: Story, offset: int) -> None:
    """At a record, in a transaction, at its marker, at the end and past it.

    And goes back from there, as nothing before it is stored.
    """
    name = f"{REWOUND}-{len(CASES) + offset}"

    assert story.seen["each offset"][name] == story.sent["each offset"][name]


def test_each_offset_is_accounted_for(story: Story) -> None:
    """Markers and aborted records are neither lag nor fault; what was deleted unread is named."""
    wait_until(lambda: not lag(story.system), seconds=60, what="no lag", every=0.5)
    done = subprocess.run(
        [RAILHEAD, "reconcile", "--json", "--type", "realtime-casino"],
        env=story.system.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)

    deleted = {number for number, case in enumerate(CASES) if "d" in case}
    faulty = {one["partition"] for one in document["findings"] if one["fault"]}
    assert faulty <= deleted, document["findings"]
