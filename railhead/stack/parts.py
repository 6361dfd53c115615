"""How each part runs: its command, its readiness check, how long it may take to end."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from railhead.kafka.broker import Broker
from railhead.stack.directory import DataDirectory
from railhead.stack.ports import PortRegistry
from railhead.stack.settings import CLICKHOUSE, KAFKA, LOOPBACK, WORKER, reachable
from railhead.stack.supervision.probes import (
    KAFKA_REQUEST,
    http_answers,
    http_request,
    kafka_answers,
    reacts,
)
from railhead.stack.supervision.supervisor import Part

# -P: the data directory, where parts run, is no place to import from.
RAILHEAD: Final = (sys.executable, "-P", "-m", "railhead.cli.main")
READY: Final = "/health/ready"
LIVE: Final = "/health/live"
PING: Final = "/ping"
INSTANCE_ID: Final = "RAILHEAD_GROUP_INSTANCE_ID"


def kafka_part(broker: Broker, *, port: int, registry: PortRegistry) -> Part:
    """The broker. Its controller gets another port if a program took the old one meanwhile."""

    async def prepare() -> list[str]:
        return broker.prepare_start(port=port, controller_port=registry.choose("kafka-controller"))

    return Part(
        name=KAFKA,
        prepare=prepare,
        answers=partial(kafka_answers, LOOPBACK, port),
        reacts=partial(reacts, LOOPBACK, port, KAFKA_REQUEST),
        # A clean stop flushes the logs; a killed broker checks them at its next start.
        stop_within_seconds=30.0,
    )


def clickhouse_part(home: DataDirectory, *, port: int) -> Part:
    """The engine behind its HTTP interface; opening large tables may take a while."""
    options = ("--data-dir", str(home.of(CLICKHOUSE)), "--port", str(port))
    return Part(
        name=CLICKHOUSE,
        prepare=partial(_nothing_to_prepare, *RAILHEAD, "clickhouse", *options),
        answers=partial(http_answers, LOOPBACK, port, PING),
        reacts=_reacts(LOOPBACK, port, PING),
        start_within_seconds=120.0,
    )


def api_part(
    name: str,
    *,
    address: tuple[str, int],
    metrics_port: int | None,
    environment: Mapping[str, str],
) -> Part:
    """An ingest API at *address*, which several share.

    With a *metrics_port* that is its own port for health and metrics.
    """
    host, port, own = reachable(address[0]).strip("[]"), address[1], dict(environment)
    if metrics_port is not None:
        host, port = LOOPBACK, metrics_port
        own["RAILHEAD_METRICS_PORT"] = str(port)
    return Part(
        name=name,
        prepare=partial(_nothing_to_prepare, *RAILHEAD, "serve"),
        answers=partial(http_answers, host, port, READY),
        reacts=_reacts(host, port, LIVE),
        environment=own,
        # A request under way has its deadline; draining waits for it.
        stop_within_seconds=35.0,
    )


def worker_part(
    number: int, *, home: DataDirectory, port: int, environment: Mapping[str, str]
) -> Part:
    """A Faust worker, with health and metrics on *port*."""
    name = f"{WORKER}-{number}"
    options = ("--instance", str(number), "--metrics-port", str(port))
    return Part(
        name=name,
        prepare=partial(
            _nothing_to_prepare, *RAILHEAD, "worker", *options, "--data-dir", str(home.of(name))
        ),
        answers=partial(http_answers, LOOPBACK, port, READY),
        reacts=_reacts(LOOPBACK, port, LIVE),
        environment=_with_instance_id(environment, number),
        # It is ready once it holds partitions and has recovered their dedup index.
        start_within_seconds=180.0,
    )


def _reacts(host: str, port: int, path: str) -> Callable[[], Awaitable[bool]]:
    return partial(reacts, host, port, http_request(host, port, path))


def _with_instance_id(environment: Mapping[str, str], number: int) -> dict[str, str]:
    """Add the worker's own id of static membership where one is set for all of them.

    Two workers with the same one throw each other out of the group, again and again.
    """
    given = os.environ.get(INSTANCE_ID)
    return {**environment, **({INSTANCE_ID: f"{given}-{number}"} if given else {})}


async def _nothing_to_prepare(*argv: str) -> list[str]:
    return list(argv)
