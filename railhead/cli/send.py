"""The command `send`: sends a file of items to an ingest API."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text

from events.check.result import Rejection
from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_finding_options, find
from railhead.dead_letters.plain_text import printable_lines, visible
from railhead.send import reading
from railhead.send.batching import batches
from railhead.send.client import ApiClient, SendCounts, SendOptions, SendStoppedError
from railhead.send.connection import FIRST_ANSWER_SECONDS, UNREACHABLE, ApiConnection
from railhead.stack.addresses import API_ENDPOINT, Address
from railhead.waiting import waiting_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `railhead send`."""
    parser.description = (
        "Send FILE to an ingest API: a JSON array of items or one item a line, plain or gzip; - "
        "reads standard input. Batches are sent again until the API has taken them; repeats are "
        "harmless. Exit code 1 if anything could not be sent."
    )
    parser.add_argument("file", metavar="FILE", help="file of items, or -")
    add_finding_options(parser, API_ENDPOINT, url=API_ENDPOINT)
    parser.add_argument("--key", help="key of the tenant (default: environment RAILHEAD_KEY)")
    parser.add_argument(
        "--batch", type=_positive, default=1000, help="items a request (%(default)s)"
    )
    parser.add_argument("--gzip", action="store_true", help="compress requests")
    parser.add_argument("--report", action="store_true", help="print the items that were rejected")
    parser.add_argument("--dry-run", action="store_true", help="check the items, store nothing")
    parser.add_argument(
        "--skip", type=int, default=0, metavar="N", help="leave out N lines or items"
    )
    parser.add_argument(
        "--give-up-after",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="stop when a batch is not taken for this long (%(default)s)",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def run(args: argparse.Namespace) -> int:
    """Send the file; 0 when the ingest API has all of it."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    key = args.key or os.environ.get("RAILHEAD_KEY", "")
    if not key:
        errors.print("no key: give --key, or set RAILHEAD_KEY")
        return 2
    address = find(API_ENDPOINT, args)
    try:
        connection = ApiConnection(address.value, key)
    except ValueError as error:
        errors.print(str(error), markup=False)
        return 2
    with waiting_for(address, say=lambda line: errors.print(line, markup=False)):
        answer = connection.first_answer(
            within_seconds=min(FIRST_ANSWER_SECONDS, args.give_up_after)
        )
    if answer.status == UNREACHABLE:
        raise CommandError(address.no_answer(answer.text))
    send_options = SendOptions(
        gzip=args.gzip,
        report=args.report or args.dry_run,
        dry_run=args.dry_run,
        give_up_after_seconds=args.give_up_after,
    )
    return _Run(args, ApiClient(connection, send_options), address, errors).whole_file()


class _ProgressLine(ProgressColumn):
    """How many items were sent, and what is waited for; read again whenever it is drawn."""

    def __init__(self, counts: SendCounts) -> None:
        super().__init__()
        self._counts = counts

    def render(self, task: Task) -> Text:  # noqa: ARG002  the counts are the client's
        """Draw it."""
        waiting = self._counts.waiting_for
        return Text(f"{self._counts.items:,} items{waiting and f', waiting: {waiting}'}")


class _Run:
    """One run over one file: what is read, what is printed, how far it got."""

    def __init__(
        self, args: argparse.Namespace, api_client: ApiClient, address: Address, errors: Console
    ) -> None:
        self._args = args
        self._address = address
        self._api_client = api_client
        self._errors = errors
        self._done = args.skip
        self._not_json = 0
        self._started = time.monotonic()

    def whole_file(self) -> int:
        """Send everything; returns the exit code."""
        why = ""
        try:
            with reading.opened(self._args.file) as source, self._progress(source) as progress:
                for batch in batches(self._items(source.plain), self._args.batch):
                    with waiting_for(self._waiting, say=self._say):
                        for reject in self._api_client.send(batch):
                            self._print(reject)
                    self._done = batch.items[-1].position
                    progress.update(progress.task_ids[0], completed=source.at_bytes())
        except KeyboardInterrupt:
            why = "interrupted"
        except SendStoppedError as error:
            why = f"{error}\nIt was sent to {self._address}. {self._address.advice}"
        except (reading.UnreadableError, OSError) as error:
            why = str(error)
        self._summary(why)
        return 1 if why or self._not_json else 0

    def _items(self, file: BinaryIO) -> Iterator[reading.FileItem]:
        for found in reading.items(file):
            if found.position <= self._args.skip:
                continue
            if isinstance(found, reading.NotJson):
                self._not_json += 1
                self._errors.print(f"{found.position}: not JSON: {found.message}", markup=False)
            else:
                yield found

    def _progress(self, source: reading.Source) -> Progress:
        columns: list[ProgressColumn] = [SpinnerColumn(), _ProgressLine(self._api_client.counts)]
        if source.size_bytes:
            columns += [BarColumn(), TimeRemainingColumn()]
        progress = Progress(*columns, console=self._errors, transient=True)
        progress.add_task("send", total=source.size_bytes)
        return progress

    def _waiting(self) -> str:
        reason = self._api_client.counts.waiting_for
        return f"{self._address}{reason and f': {reason}'}"

    def _say(self, line: str) -> None:
        most = f"{self._args.give_up_after:g}"
        said = printable_lines(line).rstrip(".")
        self._errors.print(f"{said}; it is tried for {most} s", markup=False)

    def _print(self, reject: Rejection) -> None:
        where = f"{reject.reason} {reject.field}" if reject.field else reject.reason
        sys.stdout.write(f"{reject.position}: {visible(f'{where}: {reject.message}')}\n")

    def _summary(self, why: str) -> None:
        counts = self._api_client.counts
        took = max(time.monotonic() - self._started, 1e-9)
        again = counts.attempts - counts.requests
        reported = (
            f"{counts.items:,} items in {counts.requests:,} requests, {took:.1f} s, "
            f"{counts.items / took:,.0f} items/s"
        )
        reported += f"; {again:,} requests sent again" if again else ""
        reported += (
            f"; {counts.rejected:,} items rejected"
            if self._args.report or self._args.dry_run
            else ""
        )
        reported += f"; {self._not_json:,} not JSON" if self._not_json else ""
        self._errors.print(reported, markup=False)
        if why:
            self._errors.print(f"stopped: {printable_lines(why)}", markup=False)
            if self._args.file != "-" and self._done:
                self._errors.print(f"to go on from there, add: --skip {self._done}", markup=False)
