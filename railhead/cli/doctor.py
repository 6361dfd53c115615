"""The command `doctor`: finds what keeps Railhead from working here."""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from railhead.cli.finding import add_finding_options, find
from railhead.dead_letters.plain_text import printable_lines
from railhead.doctor.advice import Advisor, in_container
from railhead.doctor.checks import run_checks
from railhead.doctor.finding import DoctorFinding, State
from railhead.doctor.list_of_checks import checks
from railhead.doctor.target import Target
from railhead.kafka.topics import TopicSettings
from railhead.paths import default_data_dir, tenants_file
from railhead.stack.addresses import (
    API_ENDPOINT,
    CLICKHOUSE_ENDPOINT,
    KAFKA_ENDPOINT,
    read_record,
)
from sinks.settings import read_settings

STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add = parser.add_argument
    add_finding_options(parser, API_ENDPOINT, KAFKA_ENDPOINT, CLICKHOUSE_ENDPOINT, url=API_ENDPOINT)
    add("--json", action="store_true", help="print the findings as a JSON array")


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 if there is one that keeps Railhead from working."""
    # What matters of the clients' own log lines is in the findings.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(highlight=False)
    findings: list[DoctorFinding] = []
    for finding in run_checks(list(checks(target_of(args)))):
        findings.append(finding)
        if not args.json:
            show(console, finding)
    counts = Counter(finding.state for finding in findings)
    if args.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        console.print(", ".join(f"{counts[state]} {state}" for state in State))
    return 1 if counts[State.FAIL] else 0


def target_of(args: argparse.Namespace) -> Target:
    """Return where to look; settings that are wrong are None, the findings say why."""
    clickhouse = find(CLICKHOUSE_ENDPOINT, args)
    try:
        settings = read_settings(url=clickhouse.value)
    except ValueError:
        settings = None
    try:
        topics = TopicSettings()
    except ValidationError:
        topics = None
    data_dir = args.data_dir or default_data_dir()
    record = read_record(data_dir)
    return Target(
        data_dir=data_dir,
        tenants_file=tenants_file(args.data_dir),
        record=record,
        advisor=Advisor(data_dir, record, in_container()),
        api=find(API_ENDPOINT, args),
        kafka=find(KAFKA_ENDPOINT, args),
        clickhouse=clickhouse,
        settings=settings,
        topics=topics,
    )


def show(console: Console, finding: DoctorFinding) -> None:
    """Print one finding, its advice below it."""
    line = Text(f"{finding.state:>4}", style=STYLES[finding.state])
    line.append(printable_lines(f"  {finding.check}: {finding.says}"), style="default")
    console.print(line, soft_wrap=True)
    if finding.advice:
        console.print(Text(f"        {printable_lines(finding.advice)}", "dim"), soft_wrap=True)
