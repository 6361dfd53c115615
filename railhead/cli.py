"""Which command did the operator mean? The only list of Railhead's commands.

Each command is a module of `railhead.commands` with `HELP`, `add_arguments(parser)` and
`run(args) -> int`; only the one that was asked for is imported in full.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Protocol, cast

COMMANDS: dict[str, str] = {
    "up": "start everything on this machine: Kafka, ClickHouse, doors, workers",
    "serve": "run the door: HTTP in, Kafka out",
    "worker": "run a Faust worker: topics in, first sightings into ClickHouse",
    "clickhouse": "run ClickHouse's engine behind its HTTP interface on loopback",
    "migrate": "create or upgrade tables and views in ClickHouse",
    "topics": "create and check the Kafka topics",
    "tenant": "add and list tenants, rotate and revoke keys, change id rules",
    "send": "push a file of items to a door, with retries",
    "demo": "start the stack, post an evening of traffic, print the analysts' answers",
    "sql": "run a query and print a table",
    "rejected": "list, show, export and replay rejected items",
    "conflicts": "show same id, different content, side by side",
    "reconcile": "prove that every offset has exactly one fate",
    "doctor": "check settings, broker, store, topics and tables",
    "bench": "measure door, stream and the whole way beside baselines",
}


class Command(Protocol):
    """What a module of `railhead.commands` offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options on *parser*."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the result is the process's exit code (0 fine, 1 failed, 2 wrong use)."""


def load(name: str) -> Command:
    """Import the module of command *name*."""
    return cast("Command", importlib.import_module(f"railhead.commands.{name}"))


def main(argv: list[str] | None = None) -> int:
    """Run `railhead ARGV` and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog="railhead",
        description="FastTrack event pushes to Kafka to ClickHouse: "
        "never lost, never counted twice, every fate accounted for.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        if name == chosen:
            load(name).add_arguments(command)
    args = parser.parse_args(arguments)
    return load(args.command).run(args)


if __name__ == "__main__":
    sys.exit(main())
