"""Producers of other projects: what they acknowledged is there once, wherever it was."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.partitioner import murmur2

from tests.system.e2e.clients import (
    CODECS,
    WITHIN_SECONDS,
    Record,
    librdkafka,
    send,
    send_by_console,
    send_by_performance_test,
    value,
)
from tests.system.e2e.system import System
from tests.system.e2e.test_main_way import bet, count, new_tenant
from tests.system.e2e.test_moved_records import PARTITIONS, outcomes, partitions_of_rows, settled

pytestmark = pytest.mark.e2e

CASINO: Final = "fasttrack.realtime-casino"
IDS: Final = 120
PERFORMANCE_RECORDS: Final = 500


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack with three partitions a topic, which these tests share."""
    directory = tmp_path_factory.mktemp("clients") / "data"
    running = System.make(directory, "--partitions", str(PARTITIONS))
    running.up()
    yield running
    assert running.down() == 0


def records(tenant: str, *, keyed: bool = True, name: str = "id", **fields: Any) -> list[Record]:
    """A bet for each id."""
    ids = [f"{name}-{number}" for number in range(IDS)]
    return [(key_of(tenant, id_) if keyed else None, value(bet(id_, **fields))) for id_ in ids]


def key_of(tenant: str, id_: str) -> bytes:
    """The key that docs/producers.md asks for."""
    return f"{tenant}:{id_}".encode()


def homes(tenant: str) -> list[int]:
    """Where Kafka's own partitioner puts each id."""
    keys = (key_of(tenant, f"id-{number}") for number in range(IDS))
    return [(murmur2(key) & 0x7FFFFFFF) % PARTITIONS for key in keys]


def gained(system: System, before: Mapping[str, int]) -> dict[str, int]:
    """What the ledger has more than *before*, once nothing is in flight and all adds up."""
    document = settled(system)
    assert document["balanced"], document["findings"]
    return {name: number - before[name] for name, number in outcomes(system).items()}


def misplaced(tenant: str, lay: Sequence[int]) -> int:
    """How many of the tenant's records do not lie where Kafka's own partitioner puts them."""
    return sum(there != home for there, home in zip(lay, cycle(homes(tenant)), strict=False))


def check_rows(system: System, tenant: str) -> None:
    """Each id of the tenant is one row, on its own partition."""
    assert system.value(count(tenant)) == IDS
    assert system.value(f"{count(tenant)} AND startsWith(unique_id, 'id-')") == IDS
    assert partitions_of_rows(system, tenant) == {(number,) for number in range(PARTITIONS)}


LIBRDKAFKA: dict[str, dict[str, Any]] = {
    **{codec: {"compression_type": codec} for codec in CODECS},
    "idempotent": {"enable_idempotence": True, "compression_type": "lz4"},
    "one by one": {"linger_ms": 0, "batch_num_messages": 1},
    "murmur2_random": {"partitioner": "murmur2_random"},
    "fnv1a": {"partitioner": "fnv1a"},
    "random": {"partitioner": "random"},
    "no keys": {"sticky_partitioning_linger_ms": 0},
}


def test_what_librdkafka_produces_is_stored_once(three: System) -> None:
    """Whatever its partitioner, codec and guarantees are; its default is not Kafka's hash."""
    before = outcomes(three)
    tenants = {name: new_tenant() for name in LIBRDKAFKA}
    moved = 0

    for name, tenant in tenants.items():
        producer = librdkafka(three.kafka, **LIBRDKAFKA[name])
        sent = records(tenant, keyed=name != "no keys")
        lay = [partition for _ in range(2) for partition in send(producer, CASINO, tenant, sent)]
        if name in CODECS:
            assert lay == [zlib.crc32(key or b"") % PARTITIONS for key, _ in sent] * 2
        if name == "murmur2_random":
            assert lay == homes(tenant) * 2
        moved += misplaced(tenant, lay)

    every = len(tenants) * IDS
    assert gained(three, before) == {
        "stored": every, "duplicates": every, "conflicts": 0, "rejected": 0, "moved": moved,
    }  # fmt: skip
    for tenant in tenants.values():
        check_rows(three, tenant)


def test_of_librdkafkas_transactions_the_committed_ones_count(three: System) -> None:
    """Aborted ones lie before, between and after them, and hold ids that are sent again later."""
    before = outcomes(three)
    tenants = {codec: new_tenant() for codec in CODECS}

    for codec, tenant in tenants.items():
        producer = librdkafka(three.kafka, transactional_id=tenant, compression_type=codec)
        producer.init_transactions(WITHIN_SECONDS)
        for name, is_committed in (
            ("never", False), ("id", True), ("b", False), ("b", True), ("never", False),
            ("id", True), ("never", False),
        ):  # fmt: skip
            producer.begin_transaction()
            send(producer, CASINO, tenant, records(tenant, name=name))
            end = producer.commit_transaction if is_committed else producer.abort_transaction
            end(WITHIN_SECONDS)

    outcome = gained(three, before)
    assert outcome | {"moved": 0} == {
        "stored": 2 * IDS * len(CODECS), "duplicates": IDS * len(CODECS), "conflicts": 0,
        "rejected": 0, "moved": 0,
    }  # fmt: skip
    for tenant in tenants.values():
        assert three.value(count(tenant)) == 2 * IDS
        assert three.value(f"{count(tenant)} AND startsWith(unique_id, 'never')") == 0


def test_other_contents_by_librdkafka_are_conflicts(three: System) -> None:
    """The first content came by HTTP and lies on another partition."""
    tenant = new_tenant()
    three.post_items([bet(f"id-{number}") for number in range(IDS)], three.tenant(tenant))
    three.wait_value(count(tenant), IDS, seconds=60)
    settled(three)
    before = outcomes(three)

    send(librdkafka(three.kafka), CASINO, tenant, records(tenant, amount=7))

    outcome = gained(three, before)
    assert (outcome["stored"], outcome["conflicts"], outcome["rejected"]) == (0, IDS, 0)
    amounts = f"SELECT DISTINCT toFloat64(amount) FROM fasttrack.casino WHERE tenant = '{tenant}'"
    assert three.sql(amounts) == [(0.5,)]


def test_what_the_java_client_produces_is_stored_once_and_stays(three: System) -> None:
    """Its default partitioner is the rule: with the key, nothing has to be moved."""
    before = outcomes(three)
    tenants = {codec: new_tenant() for codec in CODECS}

    for codec, tenant in tenants.items():
        sent = records(tenant) * 2
        send_by_console(three.kafka, CASINO, tenant, sent, "--compression-codec", codec)

    every = len(tenants) * IDS
    assert gained(three, before) == {
        "stored": every, "duplicates": every, "conflicts": 0, "rejected": 0, "moved": 0,
    }  # fmt: skip
    for tenant in tenants.values():
        check_rows(three, tenant)


def test_what_the_java_client_produces_without_keys_is_stored_once(three: System) -> None:
    """It fills one partition after another."""
    before = outcomes(three)
    tenant = new_tenant()

    send_by_console(three.kafka, CASINO, tenant, records(tenant, keyed=False) * 2)

    outcome = gained(three, before)
    assert outcome["moved"] > 0
    assert outcome | {"moved": 0} == {
        "stored": IDS, "duplicates": IDS, "conflicts": 0, "rejected": 0, "moved": 0,
    }  # fmt: skip
    check_rows(three, tenant)


def test_each_record_of_the_java_clients_transactions_has_its_outcome(
    three: System, tmp_path: Path
) -> None:
    """Hundreds in transactions of some milliseconds, with a marker after each.

    The tool sets no header, so each is rejected, as a record of its own.
    """
    before = outcomes(three)
    payloads = tmp_path / "payloads"
    payloads.write_bytes(b"\n".join(value(bet(f"payload-{number}")) for number in range(50)))

    for codec in CODECS:
        send_by_performance_test(
            three.kafka,
            CASINO,
            payloads,
            PERFORMANCE_RECORDS,
            *("--transactional-id", f"performance-{codec}", "--transaction-duration-ms", "5"),
            *("--command-property", f"compression.type={codec}"),
        )

    every = PERFORMANCE_RECORDS * len(CODECS)
    assert gained(three, before) == {
        "stored": 0, "duplicates": 0, "conflicts": 0, "rejected": every, "moved": 0,
    }  # fmt: skip
    three.wait_value(
        "SELECT count() FROM fasttrack.rejected WHERE reason = 'no_tenant'", every, seconds=60
    )
