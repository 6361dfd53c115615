"""Faults, one after the other on each track, all from one seed.

One track harms processes, another the network, so that faults of both kinds coincide; on a third an
operator changes settings.
A fault undoes itself; `heal` undoes whatever is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.system.chaos import clock
from tests.system.chaos.history import History
from tests.system.chaos.operator import Operator
from tests.system.chaos.proxy import Weather
from tests.system.chaos.rig import Rig

Fault = Callable[[], Awaitable[str]]
HOURS = 3600
# How often a fault waits until the damage of the previous one is repaired.
CALM_SHARE = 0.7
CALM_SECONDS = 20.0


@dataclass(slots=True)
class Nemesis:
    """Harms *rig* until it is enough, and notes each fault in *history*."""

    rig: Rig
    seed: int
    history: History
    clock_library: Path | None
    longest_outage_seconds: float = 15.0
    tenants_to_change: tuple[str, ...] = ()
    """Whose id rules are changed meanwhile; the broker's clock is right then.

    A rule applies by the broker's append times: one hours ahead is judged by it before it is made.
    """
    faults: Counter[str] = field(default_factory=Counter)

    async def run(self, seconds: float, *, deaths: int) -> None:
        """Harm for *seconds*, and longer while there were fewer than *deaths* deaths."""
        until = time.monotonic() + seconds

        def enough() -> bool:
            return time.monotonic() > until and self.rig.deaths.total() >= deaths

        processes, network = _Processes(self), _Network(self)
        tracks = {"processes": processes.faults(), "network": network.faults()}
        if self.tenants_to_change:
            operator = Operator(self.rig, self.tenants_to_change, self.seed)
            tracks["operator"] = {"id rule changed": (1, operator.change_id_rule)}
        await asyncio.gather(
            *(self._track(name, faults, enough) for name, faults in tracks.items())
        )

    async def _track(
        self, name: str, faults: Mapping[str, tuple[float, Fault]], enough: Callable[[], bool]
    ) -> None:
        random = Random(f"{name} {self.seed}")  # noqa: S311 - repeatable, not secret
        names, weights = list(faults), [weight for weight, _ in faults.values()]
        # Each kind once, in random order; then by weight.
        first = random.sample(names, len(names))
        while not enough():
            if random.random() < CALM_SHARE:
                await self._calm()
            await asyncio.sleep(random.uniform(0.3, 4))
            chosen = first.pop() if first else random.choices(names, weights)[0]
            self.faults[chosen] += 1
            self.history.fault(f"{chosen} begins")
            done = await faults[chosen][1]()
            self.history.fault(f"{chosen}: {done}")

    async def _calm(self) -> None:
        """Wait a while for all to answer: the next fault is to hit a system at work."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALM_SECONDS):
                await self.rig.answers()

    async def heal(self) -> None:
        """Undo everything and return when all parts answer."""
        rig = self.rig
        for proxy in rig.proxies.values():
            proxy.change(Weather.FINE)
        for disk in rig.disks.values():
            disk.free()
        for name, member in rig.members.items():
            member.gate.set()
            rig.send_signal(name, signal.SIGCONT)
        for name, member in rig.members.items():
            if member.environment != member.usual:
                await rig.restart(name, {})
        self.history.fault("healed")
        await rig.answers()


class _Processes:
    """Faults of processes; each says what it did."""

    def __init__(self, nemesis: Nemesis) -> None:
        self._rig = nemesis.rig
        self._random = Random(f"process faults {nemesis.seed}")  # noqa: S311 - as above
        self._library = nemesis.clock_library
        self._with_clocks: tuple[str, ...] = ("door", "worker")
        if not nemesis.tenants_to_change:
            self._with_clocks += ("kafka",)
        self._longest = nemesis.longest_outage_seconds

    def faults(self) -> dict[str, tuple[float, Fault]]:
        """Weight and function of each."""
        faults: dict[str, tuple[float, Fault]] = {
            "kill one": (10, self._kill_one),
            "kill a worker": (6, self._kill_worker),
            "kill two": (4, self._kill_two),
            "kill all": (2, self._kill_all),
            "kill twice": (2, self._kill_twice),
            "stop in order": (2, self._terminate),
            "pause a worker": (3, self._pause_worker),
            "pause another": (2, self._pause_other),
            "worker leaves and joins": (4, self._leave),
            "engine or broker down": (3, self._outage),
        }
        if self._library is not None:
            faults["wrong clock"] = (2, self._wrong_clock)
        if any(disk.mounted for disk in self._rig.disks.values()):
            faults["disk full"] = (2, self._full_disk)
        return faults

    def _any(self, *kinds: str) -> str:
        names = [name for kind in kinds for name in self._rig.names(kind)]
        return self._random.choice(names)

    async def _kill_one(self) -> str:
        # The kind first: there are more workers than brokers.
        name = self._any(self._random.choice(["door", "worker", "kafka", "clickhouse"]))
        self._rig.kill(name)
        return name

    async def _kill_worker(self) -> str:
        name = self._any("worker")
        self._rig.kill(name)
        await asyncio.sleep(self._random.uniform(0, 6))
        return name

    async def _kill_two(self) -> str:
        names = self._random.sample(self._rig.names(), 2)
        self._rig.kill(*names)
        return ", ".join(names)

    async def _kill_all(self) -> str:
        self._rig.kill(*self._rig.names())
        await asyncio.sleep(self._random.uniform(0, 10))
        return "all at once"

    async def _kill_twice(self) -> str:
        """Again while it starts: in recovery, in a half-opened store."""
        name = self._any("worker", "kafka", "clickhouse")
        old = self._rig.home.pid(name)
        self._rig.kill(name)
        await self._rig.started_again(name, old)
        await asyncio.sleep(self._random.uniform(0.5, 4))
        self._rig.kill(name)
        return name

    async def _terminate(self) -> str:
        name = self._any("")
        self._rig.send_signal(name, signal.SIGTERM)
        await asyncio.sleep(self._random.uniform(0, 3))
        return name

    async def _pause_worker(self) -> str:
        """Past its session: others take its partitions, and it wakes with rows in hand."""
        return await self._pause(self._any("worker"), self._random.uniform(8, 13))

    async def _pause_other(self) -> str:
        return await self._pause(
            self._any("door", "kafka", "clickhouse"), self._random.uniform(1, 9)
        )

    async def _pause(self, name: str, seconds: float) -> str:
        self._rig.send_signal(name, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._rig.send_signal(name, signal.SIGCONT)
        return f"{name} for {seconds:.1f} s"

    async def _leave(self) -> str:
        name = self._any("worker")
        how = self._random.choice([signal.SIGTERM, signal.SIGKILL])
        gate = self._rig.members[name].gate
        gate.clear()
        self._rig.send_signal(name, how)
        seconds = self._random.uniform(1, 9)
        await asyncio.sleep(seconds)
        gate.set()
        return f"{name} by {how.name} for {seconds:.1f} s"

    async def _outage(self) -> str:
        name = self._any("kafka", "clickhouse")
        gate = self._rig.members[name].gate
        gate.clear()
        self._rig.kill(name)
        seconds = self._random.uniform(2, self._longest)
        await asyncio.sleep(seconds)
        gate.set()
        return f"{name} for {seconds:.1f} s"

    async def _wrong_clock(self) -> str:
        """From its next start on, until the same part is chosen again or all is healed."""
        assert self._library is not None
        name = self._any(*self._with_clocks)
        hours = self._random.choice([-5, -2, 2, 5])
        await self._rig.restart(name, clock.environment(self._library, hours * HOURS))
        return f"{name} by {hours} h"

    async def _full_disk(self) -> str:
        name = self._random.choice([n for n, disk in self._rig.disks.items() if disk.mounted])
        disk = self._rig.disks[name]
        await asyncio.to_thread(disk.fill)
        seconds = self._random.uniform(1, 6)
        await asyncio.sleep(seconds)
        disk.free()
        return f"{name} for {seconds:.1f} s"


class _Network:
    """Faults of the connections to ingest API, broker and engine."""

    def __init__(self, nemesis: Nemesis) -> None:
        self._rig = nemesis.rig
        self._random = Random(f"network faults {nemesis.seed}")  # noqa: S311 - as above

    def faults(self) -> dict[str, tuple[float, Fault]]:
        """Weight and function of each."""
        return {
            "connections cut": (4, self._cut),
            "connections refused": (2, self._refuse),
            "answers lost": (5, self._lose_answers),
            "network slow": (3, self._slow),
            "network stalled": (2, self._stall),
        }

    async def _cut(self) -> str:
        name = self._random.choice(list(self._rig.proxies))
        return f"{name}, {self._rig.proxies[name].cut()} of them"

    async def _refuse(self) -> str:
        return await self._change(Weather.REFUSING, most_seconds=6)

    async def _lose_answers(self) -> str:
        return await self._change(Weather.NO_ANSWERS, most_seconds=8)

    async def _slow(self) -> str:
        delay = self._random.uniform(0.02, 0.5)
        return await self._change(Weather.SLOW, most_seconds=8, delay_seconds=delay)

    async def _stall(self) -> str:
        return await self._change(Weather.STALLED, most_seconds=10)

    async def _change(
        self, weather: Weather, *, most_seconds: float, delay_seconds: float = 0.0
    ) -> str:
        name = self._random.choice(list(self._rig.proxies))
        proxy = self._rig.proxies[name]
        proxy.change(weather, delay_seconds=delay_seconds)
        if weather is Weather.REFUSING:
            proxy.cut()
        seconds = self._random.uniform(0.5, most_seconds)
        await asyncio.sleep(seconds)
        proxy.change(Weather.FINE)
        return f"{name} for {seconds:.1f} s"
