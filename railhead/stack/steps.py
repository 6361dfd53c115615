"""Runs commands that must succeed once while the stack starts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from railhead.kafka.broker import Broker
from railhead.kafka.jar_cache import JarError, class_path, ensure_jars, jar_directory
from railhead.kafka.java import JavaError, find_java
from railhead.stack.directory import DataDirectory
from railhead.stack.logfile import last_lines
from railhead.stack.settings import StackError
from railhead.stack.supervision.child import Child, describe_end
from railhead.stack.supervision.supervisor import LINES_SHOWN, Say

STEP_WITHIN_SECONDS: Final = 120.0


async def run_step(
    name: str,
    argv: list[str],
    *,
    home: DataDirectory,
    environment: Mapping[str, str] | None = None,
    say: Say,
) -> None:
    """Run *argv* to its end; being cancelled ends it at once.

    Raises:
        StackError: it failed or took too long; shows the end of its log.
    """
    begun, log = time.monotonic(), home.log(name)
    child = await Child.start(argv, environment=environment or {}, log=log, directory=home.root)
    try:
        async with asyncio.timeout(STEP_WITHIN_SECONDS):
            code = await child.wait()
    except TimeoutError:
        raise StackError(f"{name} took more than {STEP_WITHIN_SECONDS:.0f} s; see {log}") from None
    finally:
        child.kill()
    if code != 0:
        shown = "".join(f"\n  {line}" for line in last_lines(log, count=LINES_SHOWN))
        raise StackError(f"{name} failed with {describe_end(code)}; the end of {log}:{shown}")
    say(f"{name}: done in {time.monotonic() - begun:.1f} s")


async def ready_broker(home: DataDirectory, *, fsync: bool, say: Say) -> Broker:
    """Fetch or check the jars, find a Java, format the storage if this is its first start.

    Raises:
        StackError: one of these is not possible.
    """
    try:
        java = find_java()
        jars = class_path(await _jars(say))
        broker = Broker(directory=home.of("kafka"), java=java, class_path=jars, fsync=fsync)
        if not broker.is_formatted():
            await run_step("kafka-format", broker.prepare_format(), home=home, say=say)
            broker.finish_format()
    except (JarError, JavaError, OSError, ValueError) as exc:
        # A full disk, a directory Kafka cannot use: the error's own text says what is wrong.
        raise StackError(f"kafka: {exc}") from exc
    return broker


async def _jars(say: Say) -> list[Path]:
    """Fetch and check in a thread, which is asked to stop when we are cancelled."""
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def say_from_thread(line: str) -> None:
        loop.call_soon_threadsafe(say, line)

    try:
        return await asyncio.to_thread(ensure_jars, jar_directory(), say=say_from_thread, stop=stop)
    finally:
        stop.set()
