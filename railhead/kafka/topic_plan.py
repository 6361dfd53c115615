"""Compares the topics with what is wanted and corrects them; one row for each topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from railhead.kafka.topic_admin import (
    ANSWER_SECONDS,
    admin,
    create_topics,
    read_topics,
    set_config,
)
from railhead.kafka.topics import (
    Topic,
    TopicSettings,
    config_differences,
    kept_safe,
    shape_differences,
    wanted_topics,
)

DEFAULT_PARTITIONS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTopic:
    """What the operator asked for.

    With *partitions* or *replication* None the existing topics decide, so that a later run need
    not repeat the number; where there are none, it is *default_partitions* and one copy.
    """

    partitions: int | None = None
    default_partitions: int = DEFAULT_PARTITIONS
    replication: int | None = None
    check_only: bool = False
    apply_config: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """One topic: as wanted, as found (None: missing), and how these differ.

    *shape* are differences of partitions and copies, *config* of settings; *done* is what the
    run changed.
    """

    wanted: Topic
    found: Topic | None
    shape: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    done: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether there is no such topic."""
        return self.found is None

    @property
    def is_well(self) -> bool:
        """Whether the topic is there, as wanted."""
        return not (self.is_missing or self.shape or self.config)

    @property
    def state(self) -> str:
        """The row in one word."""
        if self.is_missing:
            return "missing"
        return (self.done or "ok") if self.is_well else "differs"


def compare(wanted: Topic, found: Topic | None) -> TopicRow:
    """Say how a topic is before anything is done to it."""
    if found is None:
        return TopicRow(wanted=wanted, found=None)
    return TopicRow(
        wanted=wanted,
        found=found,
        shape=tuple(shape_differences(wanted, found)),
        config=tuple(config_differences(wanted, found)),
    )


def plan(
    found: Mapping[str, Topic], settings: TopicSettings, wanted_topic: WantedTopic
) -> list[TopicRow]:
    """Compare every wanted topic with what the broker has."""
    partitions = wanted_topic.partitions or max(
        (topic.partitions for topic in found.values()), default=wanted_topic.default_partitions
    )
    replication = wanted_topic.replication or max(
        (topic.replication for topic in found.values()), default=1
    )
    wanted = wanted_topics(settings, partitions=partitions, replication=replication)
    return [_row(topic, found.get(topic.name), settings, wanted_topic) for topic in wanted]


def _row(
    wanted: Topic, found: Topic | None, settings: TopicSettings, wanted_topic: WantedTopic
) -> TopicRow:
    if found is None:
        return compare(wanted, None)
    if wanted_topic.replication is None:
        wanted = replace(wanted, replication=found.replication)
    return compare(kept_safe(wanted, found, settings), found)


async def run_plan(
    bootstrap: str,
    settings: TopicSettings,
    wanted_topic: WantedTopic,
    *,
    answer_seconds: float = ANSWER_SECONDS,
) -> list[TopicRow]:
    """Create what is missing, correct what may be changed, and report every topic.

    Nothing is changed with `check_only`. Partitions and copies of an existing topic are never
    changed: the ids in a Faust table are bound to the partition of their records.

    Raises:
        TopicError: the broker cannot be reached or refuses.
    """
    async with admin(bootstrap, answer_seconds=answer_seconds) as client:
        names = [t.name for t in wanted_topics(settings, partitions=1, replication=1)]
        rows = plan(await read_topics(client, names), settings, wanted_topic)
        if wanted_topic.check_only:
            return rows
        await create_topics(client, [row.wanted for row in rows if row.is_missing])
        outdated = [row.wanted for row in rows if row.config] if wanted_topic.apply_config else []
        for topic in outdated:
            await set_config(client, topic)
    return [_after(row, apply_config=wanted_topic.apply_config) for row in rows]


def _after(row: TopicRow, *, apply_config: bool) -> TopicRow:
    if row.found is None:
        return replace(row, found=row.wanted, done="created")
    if row.config and apply_config:
        updated = replace(row.found, config={**row.found.config, **row.wanted.config})
        return replace(row, found=updated, config=(), done="updated")
    return row
