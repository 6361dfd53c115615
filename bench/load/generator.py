"""The load generator: raw sockets in a process of its own, so that it disturbs little.

`python -m bench.load.generator PLAN` reads a plan, posts ready bodies over connections that stay
open, one request at a time on each, and prints its result as JSON. Of an answer it reads only the
status and the length.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.load.corpus import lap_prefix
from bench.load.plan import LoadPlan, LoadResult, read_bodies

BULK: Final = "/api/v1/integrations/fasttrack/bulk"
ANSWERS_WITHIN_SECONDS: Final = 30.0


class LoadConnection(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._answer = b""
        self._due = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to post."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._generator.free(self)

    def post(self, request: bytes, due: float) -> None:
        """Send *request*, which was due at *due* by the monotonic clock."""
        self._due = due
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a chunk of the answer; at its end the connection is free again."""
        self._answer += data
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        self._answer = b""
        self._generator.answered(self, status=head[9:12].decode(), due=self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the ingest API closed."""
        self._generator.lost(exc)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


class Generator:
    """Posts by a plan and counts the answers."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._requests = self._ready_requests()
        self._free: deque[LoadConnection] = deque()
        self._under_way = 0
        self._posting = False
        self._measured_from = self._measured_to = 0.0
        self._latencies: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._acked: Counter[int] = Counter()
        self._items = 0
        self._changed = asyncio.Event()
        self.laps = 0

    async def run(self) -> LoadResult:
        """Post for as long as the plan says; returns when every answer has come."""
        plan, loop = self._plan, asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: LoadConnection(self), plan.host, plan.port)
            for _ in range(plan.connections)
        ]
        wall = time.time() - time.perf_counter()
        begun = time.perf_counter()
        self._measured_from = begun + plan.warm_up_seconds
        self._measured_to = self._measured_from + plan.seconds
        self._posting = True
        await (self._at_pace(begun) if plan.events_per_second else self._at_full_speed())
        self._posting = False
        await self._answers()
        ended = min(self._measured_to, time.perf_counter())
        for _, connection in made:
            connection.close()
        return self._load_result(wall + self._measured_from, wall + ended)

    async def _at_full_speed(self) -> None:
        while self._free:
            self._post(self._free.popleft(), time.perf_counter())
        # To look now and then costs less than an event set with each answer.
        while time.perf_counter() < self._measured_to:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def _at_pace(self, begun: float) -> None:
        plan = self._plan
        step = plan.items_per_body / (plan.events_per_second or 1.0)
        for number in count():
            due = begun + number * step
            if due >= self._measured_to:
                return
            delay = due - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            if not await self._freed():
                return
            self._post(self._free.popleft(), due)

    async def _freed(self) -> bool:
        """Wait for a free connection; return whether there was one before the time was up."""
        while not self._free:
            self._changed.clear()
            try:
                async with asyncio.timeout(self._measured_to - time.perf_counter()):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return True

    def _post(self, connection: LoadConnection, due: float) -> None:
        self._under_way += 1
        connection.post(next(self._requests), due)

    def free(self, connection: LoadConnection) -> None:
        """Mark *connection* as free to post."""
        self._free.append(connection)
        self._changed.set()

    def answered(self, connection: LoadConnection, *, status: str, due: float) -> None:
        """Count the answer to what *connection* posted, and let it post the next."""
        now = time.perf_counter()
        self._under_way -= 1
        items = self._plan.items_per_body if status == "204" else 0
        self._acked[int(time.time() * 10)] += items
        if self._measured_from <= now <= self._measured_to:
            self._latencies.append(now - due)
            self._statuses[status] += 1
            self._items += items
        if self._posting and not self._plan.events_per_second:
            self._post(connection, now)
        else:
            self.free(connection)

    def lost(self, exc: Exception | None) -> None:
        """Count a connection that ended too early."""
        if self._posting:
            self._statuses[f"closed {exc!r}"] += 1
            self._under_way = max(0, self._under_way - 1)

    async def _answers(self) -> None:
        until = time.perf_counter() + ANSWERS_WITHIN_SECONDS
        while self._under_way and time.perf_counter() < until:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)

    def _ready_requests(self) -> Iterator[bytes]:
        plan = self._plan
        bodies = read_bodies(Path(plan.bodies_file))
        prefix = plan.prefix.encode()
        heads = [
            f"POST {BULK} HTTP/1.1\r\nHost: {plan.host}\r\nx-api-key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: ".encode()
            for key in plan.keys
        ]
        number = 0
        for lap in count(plan.first_lap):
            self.laps = lap - plan.first_lap + 1
            other = lap_prefix(prefix, lap)
            for body in bodies:
                head = heads[number % len(heads)]
                number += 1
                size = b"%d\r\n\r\n" % len(body)
                yield b"".join((head, size, body.replace(prefix, other)))

    def _load_result(self, started: float, ended: float) -> LoadResult:
        ranked = sorted(self._latencies)
        return LoadResult(
            started=started,
            ended=ended,
            requests=len(ranked),
            items=self._items,
            statuses=dict(self._statuses),
            p50_ms=_percentile_ms(ranked, 0.50),
            p99_ms=_percentile_ms(ranked, 0.99),
            max_ms=_percentile_ms(ranked, 1.0),
            laps=self.laps,
            acked=[(tenth / 10 + 0.1, items) for tenth, items in sorted(self._acked.items())],
        )


def _content_length(head: bytes) -> int:
    name = b"content-length:"
    at = head.lower().find(name)
    return int(head[at + len(name) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def _percentile_ms(ranked: list[float], share: float) -> float:
    if not ranked:
        return 0.0
    return round(1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))], 2)


def main(plan_file: str) -> None:
    """Carry out the plan in *plan_file* and print the result."""
    plan = LoadPlan(**json.loads(Path(plan_file).read_text()))
    print(json.dumps(asdict(uvloop.run(Generator(plan).run()))))


if __name__ == "__main__":
    main(sys.argv[1])
