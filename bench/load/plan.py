"""The load generator's plan and its result, which go between processes as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """Post the bodies in *bodies_file* to an ingest API, in laps, for *seconds* after a warm-up.

    With *events_per_second* requests are due at even times and latency counts from when a request
    was due, so an API that stalls cannot hide it; without, each connection posts as soon as it can.
    """

    host: str
    port: int
    keys: list[str]
    bodies_file: str
    items_per_body: int
    prefix: str
    connections: int
    seconds: float
    warm_up_seconds: float = 1.0
    events_per_second: float | None = None
    first_lap: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What the generator measured: times in seconds since 1970, latencies in milliseconds.

    `started` and `ended` bound the measured time; `acked` counts items per answered second of the
    whole run, warm-up included, for a comparison with what is stored.
    """

    started: float
    ended: float
    requests: int
    items: int
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    laps: int
    acked: list[tuple[float, int]] = field(default_factory=list)


def write_bodies(bodies: list[bytes], path: Path) -> None:
    """Write *bodies* one after the other, each after its length."""
    with path.open("wb") as file:
        for body in bodies:
            file.write(len(body).to_bytes(4, "little"))
            file.write(body)


def read_bodies(path: Path) -> list[bytes]:
    """Read what `write_bodies` wrote."""
    content, at, bodies = path.read_bytes(), 0, []
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "little")
        bodies.append(content[at + 4 : at + 4 + size])
        at += 4 + size
    return bodies
