"""Checks of Kafka: topics as declared, workers in the group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiokafka.errors import KafkaError

from railhead.doctor.checks import ANSWER_SECONDS
from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.target import Target
from railhead.kafka.topic_admin import BrokerSilentError, TopicError, admin
from railhead.kafka.topic_plan import WantedTopic, run_plan
from railhead.kafka.topics import TopicSettings
from railhead.stack.settings import WORKER

STABLE: Final = "Stable"


async def broker(target: Target) -> DoctorFinding:
    """Ask Kafka for its topics and compare them with those declared."""
    if target.topics is None:
        return fail("kafka", "not asked: the settings of topics are wrong", "See settings above.")
    wanted = WantedTopic(check_only=True)
    advice = target.advisor.about(target.kafka)
    try:
        rows = await run_plan(
            target.bootstrap, target.topics, wanted, answer_seconds=ANSWER_SECONDS
        )
    except BrokerSilentError:
        return fail("kafka", f"{target.kafka} does not answer", advice)
    except TopicError as error:
        return fail("kafka", str(error), advice)
    missing = [row.wanted.name for row in rows if row.is_missing]
    if missing:
        return fail("kafka", f"no topic {', '.join(missing)}", "Create them: `railhead topics`.")
    differing = [f"{row.wanted.name}: {what}" for row in rows for what in (*row.shape, *row.config)]
    if differing:
        return warn("kafka", "; ".join(differing), "Correct it: `railhead topics --apply-config`.")
    partitions = rows[0].found.partitions if rows[0].found else 0
    return ok("kafka", f"{target.bootstrap}, {len(rows)} topics of {partitions} partitions each")


async def workers(target: Target) -> DoctorFinding:
    """Ask Kafka how many workers are in the group, and whether their partitions are assigned."""
    group = (target.topics or TopicSettings()).group
    try:
        async with admin(target.bootstrap, answer_seconds=ANSWER_SECONDS) as client:
            [answer] = await client.describe_consumer_groups([group])
    except BrokerSilentError:
        says = f"unknown: {target.kafka} does not answer"
        return warn("workers", says, target.advisor.about(target.kafka))
    except (TopicError, KafkaError) as error:
        return warn("workers", f"unknown: {error}", "See kafka above.")
    _, _, state, *_, members = answer.groups[0][:6]
    if not members:
        advice = target.advisor.about_workers(target.kafka)
        return fail("workers", f"the group {group} has no members", advice)
    return group_finding(f"{len(members)} in the group {group}, {state}", len(members), target)


def group_finding(says: str, members: int, target: Target) -> DoctorFinding:
    """Judge a group that has *members*; *says* ends with its state."""
    if not says.endswith(STABLE):
        return warn("workers", says, "Partitions are being assigned; look again in a moment.")
    if target.record.has_ended or members >= (here := len(workers_of(target.record.metrics))):
        return ok("workers", says)
    return warn(
        "workers",
        f"{says}, though {here} run here",
        "Their logs say why. Two workers with one RAILHEAD_GROUP_INSTANCE_ID throw each other out.",
    )


def workers_of(processes: Iterable[str]) -> list[str]:
    """The workers among *processes*."""
    return [name for name in processes if name.startswith(WORKER)]
