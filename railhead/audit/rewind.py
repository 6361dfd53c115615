"""Rewinds the workers' group to where something is missing, so that they store it again.

A worker looks for missing rows near the committed offset only. Committed further back, it finds
them there, and reads from there on; what is stored already is recognized, and repeats are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from railhead.audit.accounts import PartitionAccount, TopicAccount
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.kafka.topic_admin import TopicError, admin
from streams.fetch.consumers import new_consumer

# What a worker finds and stores again when it begins there.
MENDABLE: Final = frozenset(
    {FindingKind.GAP, FindingKind.LOST, FindingKind.SHORT, FindingKind.CONFLICT_MISSING}
)
DEADLINE_SECONDS: Final = 30.0


class Rewind(NamedTuple):
    """A partition is to be read again from `offset` on; `committed` is what the group has."""

    topic: str
    partition: int
    offset: int
    committed: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] from {self.offset} on"


def rewinds_of(accounts: Iterable[TopicAccount]) -> list[Rewind]:
    """For each partition the first offset that is missing and that Kafka still has."""
    return [
        Rewind(account.topic, one.partition, offset, one.committed)
        for account in accounts
        for one in account.partitions
        if (offset := _first_missing(one, account.findings)) is not None
        and one.committed is not None
        and offset < one.committed
    ]


def _first_missing(account: PartitionAccount, findings: Sequence[AuditFinding]) -> int | None:
    return min(_missing(account, findings), default=None)


def _missing(account: PartitionAccount, findings: Sequence[AuditFinding]) -> Iterator[int]:
    for one in findings:
        mine = one.partition == account.partition and one.kind in MENDABLE
        if mine and one.span.last >= account.kept_from:
            yield max(one.span.first, account.kept_from)


async def rewind(bootstrap: str, group: str, rewinds: Sequence[Rewind]) -> None:
    """Commit the offsets of *rewinds* for *group*, which must have no members.

    Raises:
        TopicError: workers run, or the broker does not answer or refuses.
    """
    async with admin(bootstrap) as client:
        [answer] = await client.describe_consumer_groups([group])
    members = answer.groups[0][5]
    if members:
        raise TopicError(f"{len(members)} workers are in the group {group}; stop them first")
    consumer = new_consumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    offsets = {TopicPartition(one.topic, one.partition): one.offset for one in rewinds}
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await consumer.start()
            consumer.assign(list(offsets))
            await consumer.commit(offsets)
    except (KafkaError, TimeoutError) as error:
        raise TopicError(
            f"Kafka at {bootstrap} took no offsets: {str(error) or 'no answer'}"
        ) from error
    finally:
        await consumer.stop()
