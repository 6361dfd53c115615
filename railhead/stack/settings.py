"""The settings of the stack: its parts, their addresses, its state; frozen, checked when made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
KAFKA: Final = "kafka"
CLICKHOUSE: Final = "clickhouse"
INGEST_API: Final = "door"
WORKER: Final = "worker"
ALL_PARTS: Final = (KAFKA, CLICKHOUSE, INGEST_API, WORKER)


class StackError(Exception):
    """The stack cannot run; the text says why and what to do."""


def parse_parts(text: str) -> tuple[str, ...]:
    """Read `kafka,clickhouse`.

    Raises:
        ValueError: a name is not a part's, or there is none.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in ALL_PARTS]
    if unknown or not names:
        msg = f"{', '.join(unknown) or 'nothing'} is not a part; parts are {', '.join(ALL_PARTS)}"
        raise ValueError(msg)
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """The options of `railhead up`.

    A port of 0 means: any free one, and the same one after a restart on the same directory.
    With *partitions* None the existing topics decide; new ones get one for each worker, so that
    each worker has work of every type. More would be slower: one insert covers one partition.
    """

    data_dir: Path
    http_host: str = LOOPBACK
    http_port: int = 8080
    kafka_port: int = 9092
    clickhouse_port: int = 8123
    workers: int = 1
    apis: int = 1
    partitions: int | None = None
    parts: tuple[str, ...] = ALL_PARTS
    fsync: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other.

        Raises:
            StackError: two parts want one port.
        """
        ports = [port for port, _ in self.asked_ports() if port]
        if len(set(ports)) != len(ports):
            raise StackError("two parts have the same port; give each its own")

    def has(self, part: str) -> bool:
        """Whether *part* is to be run here."""
        return part in self.parts

    def asked_ports(self) -> Iterable[tuple[int, str]]:
        """The ports this stack will listen on, each with the option that sets it."""
        if self.has(INGEST_API):
            yield self.http_port, "--http-port"
        if self.has(KAFKA):
            yield self.kafka_port, "--kafka-port"
        if self.has(CLICKHOUSE):
            yield self.clickhouse_port, "--clickhouse-port"

    @property
    def http_url(self) -> str:
        """Where the ingest APIs are reached from this machine."""
        return f"http://{reachable(self.http_host)}:{self.http_port}"

    @property
    def kafka_bootstrap(self) -> str:
        """HOST:PORT of the broker."""
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def clickhouse_url(self) -> str:
        """The engine's HTTP interface."""
        return f"http://{LOOPBACK}:{self.clickhouse_port}"


def reachable(host: str) -> str:
    """The address at which a part that listens on *host* answers on this machine."""
    shown = {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "::1"}.get(host, host)
    return f"[{shown}]" if ":" in shown else shown
