"""Declares which topics must exist with which settings, and compares; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC

HOUR_MS: Final = 3_600_000
MIB: Final = 1 << 20

# A repeat at the very end of the window must still find its id.
CHANGELOG_SLACK_HOURS: Final = 24
EVENT_BATCH_BYTES: Final = 2 * MIB
# A rejected record holds the raw item as text, escaped once more: several times its size.
REJECTED_BATCH_BYTES: Final = 8 * MIB
CHANGELOG_BATCH_BYTES: Final = 8 * MIB

# With one copy there is nothing to wait for; with more, an acknowledged record is on two.
MOST_IN_SYNC: Final = 2
ONE_DAY_MS: Final = 24 * HOUR_MS


class TopicSettings(BaseSettings):
    """What topics depend on, from `RAILHEAD_EVENT_RETENTION_HOURS` and so on."""

    model_config = SettingsConfigDict(env_prefix="RAILHEAD_", frozen=True)

    event_retention_hours: float = Field(
        default=168.0, gt=0, description="How long events and rejected items stay in Kafka."
    )
    dedupe_window_hours: float = Field(
        default=168.0, gt=0, description="How long an id is remembered, by the broker's clock."
    )
    group: str = Field(
        default="railhead", description="The workers' group, which their changelogs begin with."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it is wanted, or as a broker has it."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


def changelog_topic(event_name: str, *, group: str) -> str:
    """The changelog of the Faust table that holds the ids of *event_name* that were seen."""
    return f"{group}-seen-{event_name}-changelog"


def wanted_topics(
    settings: TopicSettings, *, partitions: int, replication: int
) -> tuple[Topic, ...]:
    """Every topic of Railhead: event types, rejected items, changelogs.

    A changelog has as many partitions as its event topic: a table's partition is its events'.
    """
    events = [row.topic for row in EVENT_TYPES]
    changelogs = [changelog_topic(row.name, group=settings.group) for row in EVENT_TYPES]
    kept = settings.event_retention_hours
    remembered = settings.dedupe_window_hours + CHANGELOG_SLACK_HOURS
    configs = {
        **dict.fromkeys(events, _config(kept, EVENT_BATCH_BYTES, replication)),
        REJECTED_TOPIC: _config(kept, REJECTED_BATCH_BYTES, replication),
        **dict.fromkeys(changelogs, _config(remembered, CHANGELOG_BATCH_BYTES, replication)),
    }
    return tuple(
        Topic(name=name, partitions=partitions, replication=replication, config=config)
        for name, config in configs.items()
    )


def _config(kept_hours: float, batch_bytes: int, replication: int) -> dict[str, str]:
    return {
        # The broker's clock stamps records: with the wrong clock of a client or worker they would
        # be deleted at once, or refused (more than an hour ahead).
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "delete",
        "retention.ms": str(round(kept_hours * HOUR_MS)),
        # Whole segments are deleted: with Kafka's week-long ones a record could stay twice as long.
        "segment.ms": str(ONE_DAY_MS),
        "max.message.bytes": str(batch_bytes),
        "min.insync.replicas": str(min(MOST_IN_SYNC, replication)),
    }


def kept_safe(wanted: Topic, found: Topic, settings: TopicSettings) -> Topic:
    """Leave out of *wanted* whatever would make the *found* topic lose more than it does now.

    Only a setting that was given by name shortens how long records stay; nothing makes the largest
    batch smaller. How many copies must be in sync follows the copies there are, because
    those are not changed.
    """
    config = dict(wanted.config)
    in_sync = max(min(MOST_IN_SYNC, found.replication), _number(found, "min.insync.replicas"))
    config["min.insync.replicas"] = str(min(in_sync, found.replication))
    batch = max(int(config["max.message.bytes"]), _number(found, "max.message.bytes"))
    config["max.message.bytes"] = str(batch)
    named = {"event_retention_hours", "dedupe_window_hours"} & settings.model_fields_set
    mine = "dedupe_window_hours" if wanted.name.endswith("-changelog") else "event_retention_hours"
    if mine not in named and _outlasts(found, wanted):
        config["retention.ms"] = found.config["retention.ms"]
    return replace(wanted, config=config)


def _outlasts(found: Topic, wanted: Topic) -> bool:
    has = _number(found, "retention.ms")
    return has < 0 or has > int(wanted.config["retention.ms"])


def _number(topic: Topic, key: str) -> int:
    return int(topic.config.get(key) or 0)


def shape_differences(wanted: Topic, found: Topic) -> list[str]:
    """What changing a setting cannot correct: partitions and copies."""
    pairs = (
        ("partitions", wanted.partitions, found.partitions),
        ("copies", wanted.replication, found.replication),
    )
    return [f"{what}={has}, expected {want}" for what, want, has in pairs if want != has]


def config_differences(wanted: Topic, found: Topic) -> list[str]:
    """Which settings have other values than wanted; settings not named here are not compared."""
    return [
        f"{key}={found.config.get(key)}, expected {value}"
        for key, value in wanted.config.items()
        if found.config.get(key) != value
    ]
