"""Which topics are wanted, and what is reported about those that differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC, EventType
from railhead.cli.topics import advice, as_document, problems, table
from railhead.kafka.topic_plan import TopicRow, WantedTopic, compare, plan
from railhead.kafka.topics import HOUR_MS, Topic, TopicSettings, changelog_topic, wanted_topics

SETTINGS = TopicSettings(event_retention_hours=168, dedupe_window_hours=168)


def wanted(*, partitions: int = 3, replication: int = 1) -> dict[str, Topic]:
    """The wanted topics by name."""
    topics = wanted_topics(SETTINGS, partitions=partitions, replication=replication)
    return {topic.name: topic for topic in topics}


@pytest.mark.parametrize("row", EVENT_TYPES, ids=lambda row: row.name)
def test_each_event_type_has_a_topic_and_a_changelog_with_as_many_partitions(
    row: EventType,
) -> None:
    """The table's partition is that of its events."""
    topics = wanted()

    assert topics[row.topic].partitions == 3
    assert topics[changelog_topic(row.name, group="railhead")].partitions == 3


def test_there_is_a_topic_for_rejected_items_and_no_other() -> None:
    """Two for each event type, and one."""
    topics = wanted()

    assert REJECTED_TOPIC in topics
    assert len(topics) == 2 * len(EVENT_TYPES) + 1


def test_changelogs_are_kept_longer_than_ids_are_remembered() -> None:
    """A repeat at the end of the window still finds its id."""
    topic = wanted()[changelog_topic("realtime-casino", group="railhead")]

    assert int(topic.config["retention.ms"]) == (168 + 24) * HOUR_MS
    assert topic.config["max.message.bytes"] == str(8 << 20)


def test_records_carry_the_brokers_time() -> None:
    """A wrong clock must not get records deleted at once, or a changelog refused."""
    assert {topic.config["message.timestamp.type"] for topic in wanted().values()} == {
        "LogAppendTime"
    }


def test_events_are_deleted_by_age() -> None:
    """And a batch of the largest items fits."""
    config = wanted()["fasttrack.realtime-login"].config

    assert config["cleanup.policy"] == "delete"
    assert config["max.message.bytes"] == str(2 << 20)


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "2"), (3, "2")])
def test_an_acknowledged_record_is_on_two_brokers_where_there_are_two(
    replication: int, in_sync: str
) -> None:
    """min.insync.replicas follows the number of copies."""
    for topic in wanted(replication=replication).values():
        assert topic.config["min.insync.replicas"] == in_sync


def test_without_a_number_the_existing_topics_decide_about_partitions() -> None:
    """A later run need not repeat what was chosen once."""
    found = {"fasttrack.rejected": wanted(partitions=5)["fasttrack.rejected"]}

    assert {row.wanted.partitions for row in plan(found, SETTINGS, WantedTopic())} == {5}
    assert {
        row.wanted.partitions for row in plan({}, SETTINGS, WantedTopic(default_partitions=2))
    } == {2}
    assert {row.wanted.partitions for row in plan(found, SETTINGS, WantedTopic(partitions=4))} == {
        4
    }


def test_a_difference_is_reported_exactly() -> None:
    """What exists, and what was expected; settings we do not name are the operator's."""
    topic = wanted()["fasttrack.rejected"]
    config = {**topic.config, "retention.ms": "1000", "compression.type": "zstd"}
    row = compare(topic, replace(topic, partitions=1, config=config))

    assert row.state == "differs"
    assert problems([row]) == [
        "fasttrack.rejected: partitions=1, expected 3",
        "fasttrack.rejected: retention.ms=1000, expected 604800000",
    ]
    assert len(list(advice([row]))) == 2


def test_a_topic_as_wanted_needs_no_words() -> None:
    """Neither problems nor advice."""
    topic = wanted()["fasttrack.rejected"]
    row = compare(topic, topic)

    assert row.is_well
    assert problems([row]) == list(advice([row])) == []


def test_the_table_shows_topics_as_they_are() -> None:
    """Columns are aligned; a topic that is kept forever says so."""
    topic = wanted()["fasttrack.rejected"]
    found = replace(topic, partitions=12, config={**topic.config, "retention.ms": "-1"})

    assert table([TopicRow(wanted=topic, found=found, config=("x",)), compare(topic, None)]) == [
        "TOPIC              STATE   PARTITIONS COPIES KEPT",
        "fasttrack.rejected differs 12         1      forever",
        "fasttrack.rejected missing 3          1      168 h",
    ]


def test_the_table_fits_80_columns_and_programs_get_all_of_it() -> None:
    """The names of changelogs are long; JSON has the settings, and what is not as wanted."""
    rows = [TopicRow(wanted=one, found=None) for one in wanted(partitions=64).values()]
    found = replace(rows[0].wanted, partitions=12)

    assert max(map(len, table(rows))) <= 80
    document = as_document(compare(rows[0].wanted, found))
    assert document["state"] == "differs"
    assert document["partitions"] == 12
    assert document["differences"] == ["partitions=12, expected 64"]


def planned(
    found: dict[str, Topic], wanted_topic: WantedTopic, settings: TopicSettings | None = None
) -> dict[str, TopicRow]:
    """The plan by topic."""
    rows = plan(found, settings or TopicSettings(), wanted_topic)
    return {row.wanted.name: row for row in rows}


@pytest.mark.parametrize(
    ("copies", "key", "value", "kept"),
    [
        (3, "min.insync.replicas", "2", "2"),
        (3, "min.insync.replicas", "3", "3"),
        (3, "min.insync.replicas", "1", "2"),
        (2, "min.insync.replicas", "1", "2"),
        (1, "min.insync.replicas", "2", "1"),
        (1, "retention.ms", "-1", "-1"),
        (1, "retention.ms", str(720 * HOUR_MS), str(720 * HOUR_MS)),
        (1, "retention.ms", str(1 * HOUR_MS), None),
        (1, "max.message.bytes", str(64 << 20), str(64 << 20)),
        (1, "max.message.bytes", "1000", None),
    ],
)
def test_a_setting_is_never_made_weaker_unless_it_was_asked_for(
    copies: int, key: str, value: str, kept: str | None
) -> None:
    """Of events, rejected items and changelogs: what is there stays if it keeps more."""
    given = wanted(replication=copies)
    found = {
        name: replace(topic, config={**topic.config, key: value}) for name, topic in given.items()
    }

    for name, row in planned(found, WantedTopic(apply_config=True)).items():
        expected = given[name].config[key] if kept is None else kept
        assert row.wanted.config[key] == expected
        assert row.is_well == (expected == value)


def test_retention_is_shortened_by_its_own_name_only() -> None:
    """That of events does not shorten a changelog's, nor the other way round."""
    found = {
        name: replace(topic, config={**topic.config, "retention.ms": "-1"})
        for name, topic in wanted().items()
    }

    shorter = planned(found, WantedTopic(), TopicSettings(event_retention_hours=24))
    window = planned(found, WantedTopic(), TopicSettings(dedupe_window_hours=24))

    changelog = changelog_topic("realtime-casino", group="railhead")
    assert shorter[REJECTED_TOPIC].wanted.config["retention.ms"] == str(24 * HOUR_MS)
    assert shorter[changelog].wanted.config["retention.ms"] == "-1"
    assert window[REJECTED_TOPIC].wanted.config["retention.ms"] == "-1"
    assert window[changelog].wanted.config["retention.ms"] == str(48 * HOUR_MS)


def test_without_a_number_the_existing_topics_decide_about_copies() -> None:
    """One that is missing gets as many as the others have, and as many in sync."""
    found = wanted(replication=3)
    del found[REJECTED_TOPIC]

    rows = planned(found, WantedTopic())

    assert {row.wanted.replication for row in rows.values()} == {3}
    assert {row.wanted.config["min.insync.replicas"] for row in rows.values()} == {"2"}
    assert [name for name, row in rows.items() if not row.is_well] == [REJECTED_TOPIC]
    assert planned({}, WantedTopic())[REJECTED_TOPIC].wanted.replication == 1


def test_another_number_of_copies_is_reported_and_changes_nothing() -> None:
    """Copies are never changed, so how many must be in sync is not either."""
    row = planned(wanted(replication=3), WantedTopic(replication=1))[REJECTED_TOPIC]

    assert row.shape == ("copies=3, expected 1",)
    assert row.config == ()
