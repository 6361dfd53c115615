"""A part is kept running, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from railhead.stack.directory import DataDirectory
from railhead.stack.settings import StackError
from railhead.stack.supervision import liveness
from railhead.stack.supervision import supervisor as supervisor_module
from railhead.stack.supervision.supervisor import Part, Supervisor, next_delay

SLEEPER = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(15, signal.SIG_IGN); " + SLEEPER


@pytest.fixture
def home(tmp_path: Path) -> DataDirectory:
    """A data directory that is in use by this test."""
    directory = DataDirectory(tmp_path / "data")
    directory.acquire()
    return directory


def part(code: str, home: DataDirectory) -> Part:
    """A Python process that has answered once it has printed something new."""

    async def prepare() -> list[str]:
        home.log("thing").unlink(missing_ok=True)
        return [sys.executable, "-c", code]

    async def answers() -> bool:
        return home.log("thing").exists() and "here" in home.log("thing").read_text()

    return Part(name="thing", prepare=prepare, answers=answers)


@asynccontextmanager
async def supervised(
    part: Part, home: DataDirectory, reported: list[str]
) -> AsyncIterator[tuple[Supervisor, asyncio.Event]]:
    """The part under supervision, stopped at the end."""
    kill_now = asyncio.Event()
    supervisor = Supervisor(part, home=home, say=reported.append, kill_now=kill_now)
    try:
        yield supervisor, kill_now
    finally:
        kill_now.set()
        await supervisor.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - files and pids set no event
            await asyncio.sleep(0.02)


async def test_a_part_that_is_killed_is_started_again(home: DataDirectory) -> None:
    """Under another pid, which the pid file holds, and with a line for each event."""
    reported: list[str] = []
    async with supervised(part(SLEEPER, home), home, reported) as (supervisor, _):
        await supervisor.start()
        first = home.pid("thing")
        assert first
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(reported) == 3)

        assert home.pid("thing") not in {None, first}
    assert reported[0].startswith("thing: up after")
    assert "ended with SIGKILL" in reported[1]
    assert "starting again in 0.2 s" in reported[1]
    assert reported[2].startswith("thing: up after")


async def test_a_stopped_part_is_gone_and_stays_so(home: DataDirectory) -> None:
    """Its pid file goes too."""
    reported: list[str] = []
    async with supervised(part(SLEEPER, home), home, reported) as (supervisor, _):
        await supervisor.start()
        pid = home.pid("thing")
        await supervisor.stop()

        assert home.pid("thing") is None
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert reported[-1].startswith("thing: stopped after")


async def test_a_part_that_does_not_stop_in_time_is_killed(home: DataDirectory) -> None:
    """Stopping takes bounded time."""
    reported: list[str] = []
    deaf = replace(part(DEAF, home), stop_within_seconds=0.2)
    async with supervised(deaf, home, reported) as (one, _):
        await one.start()
        await one.stop()

    assert reported[-1].startswith("thing: killed, it had not stopped after 0.")


async def test_a_second_signal_kills_at_once(home: DataDirectory) -> None:
    """The second Ctrl-C."""
    async with supervised(part(DEAF, home), home, []) as (supervisor, kill_now):
        await supervisor.start()
        stopping = asyncio.create_task(supervisor.stop())
        kill_now.set()

        await asyncio.wait_for(stopping, 5)


async def test_a_part_that_never_comes_up_shows_the_end_of_its_log(home: DataDirectory) -> None:
    """Waiting does not cure a bad setting."""
    broken = part("print('no such table'); raise SystemExit(3)", home)
    async with supervised(broken, home, []) as (supervisor, _):
        with pytest.raises(StackError, match=r"(?s)ended with exit code 3.*no such table"):
            await supervisor.start()


async def test_a_part_that_does_not_answer_is_waited_for_in_bounded_time(
    home: DataDirectory,
) -> None:
    """The time to start is bounded too."""
    mute = replace(part("import time; time.sleep(600)", home), start_within_seconds=0.3)
    async with supervised(mute, home, []) as (supervisor, _):
        with pytest.raises(StackError, match="does not answer"):
            await supervisor.start()


async def test_a_part_whose_preparation_fails_is_tried_again(home: DataDirectory) -> None:
    """As when a disk was full for a moment."""
    good, tries = part(SLEEPER, home), []

    async def prepare() -> list[str]:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk is full")
        return await good.prepare()

    reported: list[str] = []
    flaky = Part(name="thing", prepare=prepare, answers=good.answers)
    async with supervised(flaky, home, reported) as (supervisor, _):
        await supervisor.start()
    assert "could not be started (the disk is full)" in reported[0]


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and wait less."""
    monkeypatch.setattr(supervisor_module, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(liveness, "HANGS_AFTER_SECONDS", 0.5)


@pytest.mark.usefixtures("quick_looks")
async def test_a_part_that_was_stopped_by_a_signal_is_started_again(home: DataDirectory) -> None:
    """It would keep its connections for hours."""
    reported: list[str] = []
    async with supervised(part(SLEEPER, home), home, reported) as (supervisor, _):
        await supervisor.start()
        first = home.pid("thing")
        assert first
        os.kill(first, signal.SIGSTOP)
        await until(lambda: sum("up after" in line for line in reported) == 2)

        assert home.pid("thing") not in {None, first}
    assert "it hangs (stopped by a signal" in reported[1]
    assert "ended with SIGKILL" in reported[2]


@pytest.mark.usefixtures("quick_looks")
async def test_a_part_that_waits_for_itself_is_started_again(home: DataDirectory) -> None:
    """As after a deadlock: it runs, answers nothing and asks for no processor time."""
    reported: list[str] = []

    async def silent() -> bool:
        return False

    deadlocked = replace(part(SLEEPER, home), reacts=silent)
    async with supervised(deadlocked, home, reported) as (supervisor, _):
        await supervisor.start()
        await until(lambda: len(reported) > 3)
    assert "it hangs (asleep" in reported[1]
    assert reported[3].startswith("thing: up after")


@pytest.mark.usefixtures("quick_looks")
async def test_a_part_that_is_busy_is_left_alone(home: DataDirectory) -> None:
    """It is silent for as long as the two before, several times over, and works."""
    reported: list[str] = []
    looks = []

    async def silent() -> bool:
        looks.append(time.monotonic())
        return False

    busy = replace(part("print('here', flush=True)\nwhile True: pass", home), reacts=silent)
    async with supervised(busy, home, reported) as (supervisor, _):
        await supervisor.start()
        await until(lambda: bool(looks) and looks[-1] - looks[0] > 1.5)
        assert len(reported) == 1
    assert not any("hangs" in line for line in reported)


def delays(runs_seconds: list[float]) -> list[float]:
    """The pauses after runs of these lengths."""
    found, delay = [], 0.0
    for ran in runs_seconds:
        delay = next_delay(delay, ran_seconds=ran)
        found.append(delay)
    return found


def test_pauses_grow_to_five_seconds() -> None:
    """A part that cannot run must not keep the machine busy."""
    assert delays([1] * 7) == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_part_that_ran_well_is_started_quickly_again() -> None:
    """Half a minute is well."""
    assert delays([1, 1, 1, 30, 1]) == [0.2, 0.4, 0.8, 0.2, 0.4]
