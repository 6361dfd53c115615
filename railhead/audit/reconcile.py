"""Audits every topic; a topic that does not balance is audited once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from railhead.audit.accounts import TopicAccount
from railhead.audit.audit import AuditOptions, audit
from railhead.audit.queries import AuditQueries
from railhead.audit.records.kafka_log import KafkaLog
from railhead.kafka.topic_admin import TopicError

# A rebalance between two queries may look like a fault; it does not last.
LOOKS = 2
LOOK_AGAIN_AFTER_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Audits what consumer group *group* wrote; changes nothing. *report* gets each topic."""

    group: str
    queries: AuditQueries
    log: KafkaLog
    audit_options: AuditOptions
    report: Callable[[str], None]

    async def reconcile(self, topics: Sequence[str]) -> list[TopicAccount]:
        """The accounts of *topics*, in that order.

        Raises:
            TopicError, KafkaError, clickhouse-connect's errors: the audit could not be done.
        """
        accounts = {account.topic: account for account in await self._once(topics)}
        for _ in range(LOOKS - 1):
            faulty = [account.topic for account in accounts.values() if account.faults]
            if faulty:
                await asyncio.sleep(LOOK_AGAIN_AFTER_SECONDS)
                accounts |= {account.topic: account for account in await self._once(faulty)}
        return list(accounts.values())

    async def _once(self, topics: Sequence[str]) -> list[TopicAccount]:
        positions = await self.log.positions(topics, group=self.group)
        missing = [topic for topic in topics if topic not in positions]
        if missing:
            raise TopicError(f"no topic {', '.join(missing)}; `railhead topics` creates it")
        accounts = []
        for topic in topics:
            self.report(topic)
            accounts.append(
                await audit(
                    topic,
                    positions[topic],
                    queries=self.queries,
                    log=self.log,
                    audit_options=self.audit_options,
                )
            )
        return accounts
