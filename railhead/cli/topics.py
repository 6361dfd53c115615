"""The command `topics`: creates the topics that are missing; `--check` only compares."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterator

from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_finding_options, find
from railhead.cli.option_types import positive
from railhead.kafka.topic_admin import BrokerSilentError, TopicError
from railhead.kafka.topic_plan import DEFAULT_PARTITIONS, TopicRow, WantedTopic, run_plan
from railhead.kafka.topics import HOUR_MS, Topic, TopicSettings
from railhead.stack.addresses import KAFKA_ENDPOINT
from railhead.waiting import waiting_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add_finding_options(parser, KAFKA_ENDPOINT)
    parser.add_argument(
        "--partitions",
        type=positive,
        help="partitions of each topic; choose once, it is never changed later "
        "(default: as the existing topics have, else --default-partitions)",
    )
    parser.add_argument(
        "--default-partitions",
        type=positive,
        default=DEFAULT_PARTITIONS,
        help="partitions where no topic exists yet (default: %(default)s)",
    )
    parser.add_argument(
        "--replication",
        type=positive,
        help="copies of each partition (default: as the existing topics have, else 1)",
    )
    parser.add_argument("--check", action="store_true", help="change nothing, only report")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON array, one object a topic"
    )
    parser.add_argument(
        "--apply-config",
        action="store_true",
        help="correct differing settings of existing topics: never partitions or copies, and "
        "never so that less is kept, unless RAILHEAD_EVENT_RETENTION_HOURS or "
        "RAILHEAD_DEDUPE_WINDOW_HOURS asks for it",
    )


def run(args: argparse.Namespace) -> int:
    """Create or check the topics; 1 when one is missing or differs."""
    # What matters of the client's own log lines is in the error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    wanted_topic = WantedTopic(
        partitions=args.partitions,
        default_partitions=args.default_partitions,
        replication=args.replication,
        check_only=args.check,
        apply_config=args.apply_config,
    )
    address = find(KAFKA_ENDPOINT, args)
    try:
        with waiting_for(address):
            rows = asyncio.run(run_plan(address.value, TopicSettings(), wanted_topic))
    except BrokerSilentError as exc:
        raise CommandError(address.no_answer(str(exc))) from None
    except TopicError as exc:
        raise CommandError(str(exc)) from None
    if args.json:
        print(json.dumps([as_document(row) for row in rows], indent=1))
    else:
        print("\n".join(table(rows)))
    for line in (*problems(rows), *advice(rows)):
        print(line, file=sys.stderr)
    return 0 if all(row.is_well for row in rows) else 1


def table(rows: list[TopicRow]) -> list[str]:
    """The topics as they are now, as aligned lines with a heading."""
    cells = [("TOPIC", "STATE", "PARTITIONS", "COPIES", "KEPT")]
    for row in rows:
        topic = row.found or row.wanted
        shape = (str(topic.partitions), str(topic.replication))
        cells.append((topic.name, row.state, *shape, kept(topic)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    # One space: the longest name of a topic leaves no more of 80 columns.
    return [" ".join(map(str.ljust, line, widths)).rstrip() for line in cells]


def as_document(row: TopicRow) -> dict[str, object]:
    """A topic as it is now, for programs, and in words what is not as wanted."""
    topic = row.found or row.wanted
    return {
        "topic": topic.name,
        "partitions": topic.partitions,
        "replication": topic.replication,
        "config": dict(topic.config),
        "state": row.state,
        "differences": [*row.shape, *row.config],
    }


def kept(topic: Topic) -> str:
    """How long records stay, in words."""
    retention_ms = int(topic.config["retention.ms"])
    return "forever" if retention_ms < 0 else f"{retention_ms / HOUR_MS:g} h"


def problems(rows: list[TopicRow]) -> list[str]:
    """Exactly what is not as wanted, a line each."""
    missing = [f"{row.wanted.name}: does not exist" for row in rows if row.is_missing]
    differing = [f"{row.wanted.name}: {what}" for row in rows for what in (*row.shape, *row.config)]
    return missing + differing


def advice(rows: list[TopicRow]) -> Iterator[str]:
    """What the operator can do about it."""
    if any(row.is_missing for row in rows):
        yield "`railhead topics` without --check creates what is missing."
    if any(row.config for row in rows):
        yield "`railhead topics --apply-config` corrects differing settings."
    if any(row.shape for row in rows):
        yield (
            "Partitions and copies are never changed: the dedup index is bound to them. Ask for "
            "what exists, or start a new set of topics and replay."
        )
