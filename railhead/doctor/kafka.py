"""Checks of Kafka: topics as declared, workers in the group."""

from __future__ import annotations

from typing import Final

from aiokafka.errors import KafkaError

from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.target import START, Target
from railhead.kafka.topic_admin import BrokerSilentError, TopicError, admin
from railhead.kafka.topic_plan import WantedTopic, run_plan
from railhead.kafka.topics import TopicSettings

STABLE: Final = "Stable"


async def broker(target: Target) -> DoctorFinding:
    """Ask Kafka for its topics and compare them with those declared."""
    if target.topics is None:
        return fail("kafka", "not asked: the settings of topics are wrong", "See settings above.")
    try:
        rows = await run_plan(target.bootstrap, target.topics, WantedTopic(check_only=True))
    except BrokerSilentError as error:
        return fail("kafka", f"{target.kafka}: {error}", START)
    except TopicError as error:
        return fail("kafka", str(error), START)
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
        async with admin(target.bootstrap) as client:
            [answer] = await client.describe_consumer_groups([group])
    except (TopicError, KafkaError) as error:
        return warn("workers", f"unknown: {error}", "See the findings above.")
    _, _, state, *_, members = answer.groups[0][:6]
    if not members:
        return fail("workers", f"the group {group} has no members", "Start one: `railhead worker`.")
    says = f"{len(members)} in the group {group}, {state}"
    if state != STABLE:
        return warn("workers", says, "Partitions are being assigned; look again in a moment.")
    return ok("workers", says)
