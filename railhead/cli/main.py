"""The list of Railhead's commands, and the entry point that runs one.

Each command is a module with `add_arguments(parser)` and `run(args) -> int`; only the one that was
asked for is imported. `demo` and `bench` are packages of their own that use this one; nothing here
imports them.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import NamedTuple, Protocol, cast

from railhead.cli.command_error import CommandError
from railhead.dead_letters.plain_text import printable_lines


class CommandEntry(NamedTuple):
    """The module of a command and its line in the list of commands."""

    module: str
    help: str


COMMANDS: dict[str, CommandEntry] = {
    "up": CommandEntry(
        "railhead.cli.processes.up",
        "start everything on this machine: Kafka, ClickHouse, ingest APIs, workers",
    ),
    "serve": CommandEntry("railhead.cli.processes.serve", "run the ingest API: HTTP in, Kafka out"),
    "worker": CommandEntry(
        "railhead.cli.processes.worker",
        "run a Faust worker: topics in, first occurrences into ClickHouse",
    ),
    "clickhouse": CommandEntry(
        "railhead.cli.processes.clickhouse",
        "run ClickHouse's engine behind its HTTP interface on loopback",
    ),
    "migrate": CommandEntry(
        "railhead.cli.migrate", "create or upgrade tables and views in ClickHouse"
    ),
    "topics": CommandEntry("railhead.cli.topics", "create and check the Kafka topics"),
    "tenant": CommandEntry(
        "railhead.cli.tenant.tenant",
        "add and list tenants, rotate and revoke keys, change id rules",
    ),
    "send": CommandEntry(
        "railhead.cli.send", "send a file of items to an ingest API, with retries"
    ),
    "check": CommandEntry(
        "railhead.cli.check",
        "judge sample items or records without a stack, before anybody sends them",
    ),
    "demo": CommandEntry(
        "demo.command", "start the stack, post an evening of traffic, print the analysts' answers"
    ),
    "sql": CommandEntry("railhead.cli.sql", "run a query and print a table"),
    "rejected": CommandEntry(
        "railhead.cli.dead_letters.rejected", "list, show, export and replay rejected items"
    ),
    "conflicts": CommandEntry(
        "railhead.cli.dead_letters.conflicts", "show same id, different content, side by side"
    ),
    "reconcile": CommandEntry(
        "railhead.cli.reconcile", "prove that every offset has exactly one outcome"
    ),
    "doctor": CommandEntry(
        "railhead.cli.doctor", "check settings, broker, store, topics and tables"
    ),
    "bench": CommandEntry(
        "bench.command", "measure ingest API, stream and the whole path beside baselines"
    ),
}


class Command(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options on *parser*."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the result is the process's exit code (0 fine, 1 failed, 2 wrong use).

        Raises:
            CommandError: it cannot go on; the error has the exit code.
        """


def load(name: str) -> Command:
    """Import the module of command *name*."""
    return cast("Command", importlib.import_module(COMMANDS[name].module))


def main(argv: list[str] | None = None) -> int:
    """Run `railhead ARGV` and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog="railhead",
        description="FastTrack events to Kafka to ClickHouse: "
        "never lost, never counted twice, every outcome accounted for.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, row in COMMANDS.items():
        command = commands.add_parser(name, help=row.help, description=row.help)
        if name == chosen:
            load(name).add_arguments(command)
    args = parser.parse_args(arguments)
    try:
        return load(args.command).run(args)
    except CommandError as error:
        print(f"railhead {args.command}: {printable_lines(str(error))}", file=sys.stderr)
        return error.code


if __name__ == "__main__":
    sys.exit(main())
