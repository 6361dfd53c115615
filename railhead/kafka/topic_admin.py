"""Reads, creates and corrects topics; all admin calls to a broker are here.

Creating is idempotent: what exists is left as it is, and two runs at the same time do no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from railhead.kafka.topics import Topic

TOPIC_EXISTS: Final = 36
# A broker that has just started may not count itself as alive yet.
INVALID_REPLICATION: Final = 38
SET_ON_TOPIC: Final = 1
RETRY_AFTER_SECONDS: Final = 0.2
ANSWER_SECONDS: Final = 10.0


class TopicError(Exception):
    """A topic could not be read, created or changed; the text says which and why."""


class BrokerSilentError(TopicError):
    """No Kafka broker answers at the address that was tried."""


@asynccontextmanager
async def admin(
    bootstrap: str, *, answer_seconds: float = ANSWER_SECONDS
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an admin client for the broker at *bootstrap*, which has *answer_seconds* each time.

    Raises:
        BrokerSilentError: no Kafka broker answers there.
        TopicError: it did not do what was asked.
    """
    timeout_ms = round(answer_seconds * 1000)
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=timeout_ms)
    try:
        try:
            await client.start()
        except KafkaError as exc:
            raise BrokerSilentError(f"Kafka at {bootstrap}: {exc}") from exc
        yield client
    except KafkaError as exc:
        msg = f"Kafka at {bootstrap}: {exc}"
        raise TopicError(msg) from exc
    finally:
        await client.close()


async def read_topics(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, Topic]:
    """The topics of *names* that exist, with all their settings.

    All topics are listed and then picked from: asking for a missing one by name makes a broker
    with auto-create on create it.
    """
    wanted = set(names)
    listed = {row["topic"]: row for row in await client.describe_topics() if row["partitions"]}
    present = sorted(wanted & listed.keys())
    configs = await _read_configs(client, present)
    return {
        name: Topic(
            name=name,
            partitions=len(listed[name]["partitions"]),
            replication=min(len(row["replicas"]) for row in listed[name]["partitions"]),
            config={key: value for key, (value, _) in configs[name].items()},
        )
        for name in present
    }


async def create_topics(
    client: AIOKafkaAdminClient, topics: Iterable[Topic], *, within_seconds: float = 15.0
) -> None:
    """Create *topics* and return when each partition has a leader.

    Raises:
        TopicError: the broker refuses one, or does not finish in time.
    """
    waiting = {topic.name: topic for topic in topics}
    names = list(waiting)
    deadline = time.monotonic() + within_seconds
    while waiting:
        refused = await _create_once(client, waiting.values())
        _raise_for(refused, late=time.monotonic() > deadline)
        waiting = {name: waiting[name] for name in refused}
        if waiting:
            await asyncio.sleep(RETRY_AFTER_SECONDS)
    while not await _have_leaders(client, names):
        if time.monotonic() > deadline:
            msg = f"created, but still without a leader after {within_seconds:.0f} s"
            raise TopicError(msg)
        await asyncio.sleep(RETRY_AFTER_SECONDS)


async def set_config(client: AIOKafkaAdminClient, topic: Topic) -> None:
    """Give an existing topic the settings of *topic*, keeping what else is set on it.

    Raises:
        TopicError: the broker refuses.
    """
    current = (await _read_configs(client, [topic.name]))[topic.name]
    # The request replaces all that is set on the topic, so the rest is sent along.
    kept = {key: value for key, (value, source) in current.items() if source == SET_ON_TOPIC}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, kept | dict(topic.config))
    for response in await client.alter_configs([resource]):
        for code, message, *_ in response.resources:
            if code:
                msg = f"{topic.name}: {message or for_code(code).__name__}"
                raise TopicError(msg)


async def _create_once(
    client: AIOKafkaAdminClient, topics: Iterable[Topic]
) -> dict[str, tuple[int, str | None]]:
    """Ask for *topics*; the answer is what was refused and why."""
    response = await client.create_topics(
        [NewTopic(t.name, t.partitions, t.replication, None, dict(t.config)) for t in topics]
    )
    return {
        name: (code, message)
        for name, code, message, *_ in response.topic_errors
        if code not in (0, TOPIC_EXISTS)
    }


def _raise_for(refused: Mapping[str, tuple[int, str | None]], *, late: bool) -> None:
    for name, (code, message) in refused.items():
        if late or code != INVALID_REPLICATION:
            msg = f"{name} was not created: {message or for_code(code).__name__}"
            raise TopicError(msg)


async def _have_leaders(client: AIOKafkaAdminClient, names: list[str]) -> bool:
    listed = {row["topic"]: row["partitions"] for row in await client.describe_topics()}
    return all(
        listed.get(name) and all(row["leader"] >= 0 for row in listed[name]) for name in names
    )


async def _read_configs(
    client: AIOKafkaAdminClient, names: list[str]
) -> dict[str, dict[str, tuple[str, int]]]:
    """Each topic's settings as key -> (value, where it was set)."""
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers: list[Any] = await client.describe_configs(resources)
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for resource in (row for answer in answers for row in answer.to_object()["resources"]):
        if resource["error_code"]:
            msg = f"{resource['resource_name']}: {resource['error_message']}"
            raise TopicError(msg)
        found[resource["resource_name"]] = {
            row["config_names"]: (row["config_value"], row["config_source"])
            for row in resource["config_entries"]
        }
    return found
