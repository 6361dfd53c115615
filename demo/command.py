"""`railhead demo`, which is what `make run` runs: the whole stack at work."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import threading
import time
from dataclasses import fields

from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from rich.console import Console

from demo.accounting import Account
from demo.play import DemoError, play_evening, post_sample
from demo.printing import print_account, print_addresses, print_answers
from demo.stage import Stage, new_key
from railhead.cli.option_types import positive
from railhead.cli.processes import up
from railhead.kafka.topic_admin import TopicError
from railhead.send.client import SendStoppedError
from railhead.stack.settings import StackError, StackSettings
from railhead.stack.stack import Stack
from railhead.tables import WIDTH
from sinks.connection import NETWORK_ERRORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*: those of `railhead up`, and the demo's own."""
    up.add_arguments(parser)
    add = parser.add_argument
    add("--events", type=positive, default=100_000, help="items to post (default: %(default)s)")
    add("--seed", type=int, help="seed of the evening (default: another one each time)")
    add("--exit", action="store_true", help="end after the answers instead of staying up")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when the account adds up."""
    settings = StackSettings(**{row.name: getattr(args, row.name) for row in fields(StackSettings)})
    console = Console(highlight=False)
    console.width = WIDTH
    try:
        return asyncio.run(_run(settings, args, console))
    except (StackError, DemoError, SendStoppedError, TopicError, ClickHouseError) as error:
        console.print(f"railhead demo: {error}", style="bold red", markup=False)
    except NETWORK_ERRORS as error:
        console.print(
            f"railhead demo: a connection failed: {error}", style="bold red", markup=False
        )
    return 1


async def _run(settings: StackSettings, args: argparse.Namespace, console: Console) -> int:
    """Run until the end or a signal: the first one stops in order, a second one at once."""

    def say(line: str) -> None:
        console.print(line, style="dim", markup=False, soft_wrap=True)

    stack, stop = Stack(settings, on_progress=say), threading.Event()
    playing = asyncio.ensure_future(_play(stack, stop, args, console))

    def end() -> None:
        if stop.is_set():
            stack.kill_now()
        else:
            say("stopping; send the signal again to kill")
        stop.set()
        playing.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        return await playing
    except asyncio.CancelledError:
        return 1


async def _play(
    stack: Stack, stop: threading.Event, args: argparse.Namespace, console: Console
) -> int:
    started = time.monotonic()
    seed = int(time.time()) if args.seed is None else args.seed
    async with stack:
        stage = Stage(stack.settings, new_key(stack.home.tenants), stop)
        # In a thread: the stack's event loop must go on supervising while batches are posted.
        account = await asyncio.to_thread(_report, stage, console, seed, args.events)
        code = 1 if print_account(console, account) else 0
        await asyncio.to_thread(print_answers, console, stage)
        print_addresses(console, stage)
        console.rule(f"All of this took {time.monotonic() - started:.0f} s", align="left")
        if not args.exit and not code:
            console.print("It stays up until Ctrl-C.")
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return code


def _report(stage: Stage, console: Console, seed: int, events: int) -> Account:
    post_sample(stage, console)
    return play_evening(stage, console, seed=seed, events=events)
