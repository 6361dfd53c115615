"""Keeps a part running: starts it again whenever it ends or hangs, after growing delays."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from railhead.stack.directory import DataDirectory
from railhead.stack.logfile import last_lines
from railhead.stack.settings import StackError
from railhead.stack.supervision.child import Child, describe_end
from railhead.stack.supervision.kernel import STOPPED, demand_seconds, may_go_on, state_of
from railhead.stack.supervision.liveness import (
    HANGS_AFTER_SECONDS,
    LOOK_EVERY_SECONDS,
    Liveness,
    Look,
)

FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 5.0
SETTLED_AFTER_SECONDS: Final = 30.0
PROBE_EVERY_SECONDS: Final = 0.05
# A part that keeps ending before it has ever answered has a fault that waiting does not cure:
# a bad setting, a bad file.
TRIES_TO_ANSWER: Final = 3
LINES_SHOWN: Final = 12

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One supervised process: how it starts, how it shows that it is ready, how it ends.

    `prepare` is awaited before each start and returns the command line. `answers` is asked until
    it is true; from then on `reacts` says whether it reacts at all (a part without it hangs only
    while it is stopped). `stop_within_seconds` is the time for ending after SIGTERM.
    """

    name: str
    prepare: Callable[[], Awaitable[list[str]]]
    answers: Callable[[], Awaitable[bool]]
    reacts: Callable[[], Awaitable[bool]] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    start_within_seconds: float = 60.0
    stop_within_seconds: float = 20.0


def next_delay(previous_seconds: float, *, ran_seconds: float) -> float:
    """How long to wait before starting a part again that ended after *ran_seconds*.

    *previous_seconds* is the delay before that run, 0 for the first.
    """
    if previous_seconds == 0 or ran_seconds >= SETTLED_AFTER_SECONDS:
        return FIRST_DELAY_SECONDS
    return min(2 * previous_seconds, LONGEST_DELAY_SECONDS)


class Supervisor:
    """Keeps one part running from `start` to `stop`."""

    def __init__(
        self, part: Part, *, home: DataDirectory, say: Say, kill_now: asyncio.Event
    ) -> None:
        self.part = part
        self._home = home
        self._say = say
        self._kill_now = kill_now
        self._stopping = asyncio.Event()
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # `start` raises a failed start; if nobody awaits it any more, it must not be logged.
        self._answered.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the part and return once it answers.

        Raises:
            StackError: it keeps ending, or does not answer in time.
        """
        self._task = asyncio.create_task(self._keep_running(), name=self.part.name)
        try:
            async with asyncio.timeout(self.part.start_within_seconds):
                await asyncio.shield(self._answered)
        except TimeoutError:
            limit = f"{self.part.start_within_seconds:.0f} s"
            raise self._failure(f"does not answer {limit} after its start") from None

    async def stop(self) -> None:
        """End the part and stop starting it again; nothing happens if it was never started."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _keep_running(self) -> None:
        delay, tries = 0.0, 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            end = await self._run_once(begun)
            if self._stopping.is_set():
                return
            tries += 1
            ran = time.monotonic() - begun
            delay = next_delay(delay, ran_seconds=ran)
            if tries >= TRIES_TO_ANSWER and not self._answered.done():
                self._answered.set_exception(
                    self._failure(f"was started {tries} times without success, it {end}")
                )
                return
            self._say(
                f"{self.part.name}: it {end} after {ran:.1f} s, starting again in {delay:.1f} s"
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _run_once(self, begun: float) -> str:
        """Run the part until it ends or is to stop; say in words how it ended."""
        try:
            child = await self._spawn()
        except (OSError, ValueError, StackError) as exc:
            return f"could not be started ({exc})"
        pid_file = self._home.pid_file(self.part.name)
        with contextlib.suppress(OSError):  # on a full disk the part is still worth running
            pid_file.write_text(f"{child.pid}\n")
        watch = asyncio.create_task(self._watch(begun, child))
        ended = asyncio.create_task(child.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                watch.cancel()  # a part that stops may do so silently
                await self._end(child)
            return f"ended with {describe_end(await ended)}"
        finally:
            watch.cancel()
            stopping.cancel()
            pid_file.unlink(missing_ok=True)

    async def _spawn(self) -> Child:
        return await Child.start(
            await self.part.prepare(),
            environment=self.part.environment,
            log=self._home.log(self.part.name),
            directory=self._home.root,
        )

    async def _watch(self, begun: float, child: Child) -> None:
        """Say when the part answers; kill it when it hangs, so that it is started again."""
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(self._wait_for_answer(begun, child.pid))
            group.create_task(self._kill_if_it_hangs(child, answer))

    async def _wait_for_answer(self, begun: float, pid: int) -> None:
        """The first time this ends the waiting in `start`."""
        while not await self.part.answers():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        self._say(f"{self.part.name}: up after {time.monotonic() - begun:.1f} s (pid {pid})")
        if not self._answered.done():
            self._answered.set_result(None)

    async def _kill_if_it_hangs(self, child: Child, answer: asyncio.Task[None]) -> None:
        liveness, pid = Liveness(), child.pid
        look = await self._look(pid, has_answered=False)
        while not liveness.hangs(look):
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            look = await self._look(pid, has_answered=answer.done())
        why = "stopped by a signal" if state_of(pid) == STOPPED else "asleep"
        self._say(
            f"{self.part.name}: it hangs ({why}, silent for {HANGS_AFTER_SECONDS:.0f} s and more) "
            "and is killed"
        )
        child.kill()

    async def _look(self, pid: int, *, has_answered: bool) -> Look:
        """Before its first answer a part may be silent for long, unless it is stopped."""
        if self.part.reacts is not None and has_answered:
            reacts = await self.part.reacts() or may_go_on(pid)
        else:
            reacts = state_of(pid) != STOPPED
        return Look(time.monotonic(), reacts, None if reacts else demand_seconds(pid))

    async def _end(self, child: Child) -> None:
        begun, limit = time.monotonic(), self.part.stop_within_seconds
        by_itself = await child.stop(within_seconds=limit, kill_now=self._kill_now)
        how = "stopped" if by_itself else "killed, it had not stopped"
        self._say(f"{self.part.name}: {how} after {time.monotonic() - begun:.1f} s")

    def _failure(self, what: str) -> StackError:
        path = self._home.log(self.part.name)
        shown = "".join(f"\n  {line}" for line in last_lines(path, count=LINES_SHOWN))
        return StackError(f"{self.part.name} {what}; the end of {path}:{shown or ' (empty)'}")
