"""Finds free ports, and remembers those that were used last time."""

from __future__ import annotations

import asyncio
import errno
import json
import random
import socket
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from railhead.stack.settings import LOOPBACK, StackError

# The parts of an `up` that was killed end a moment after it.
WAIT_SECONDS: Final = 3.0
RETRY_AFTER_SECONDS: Final = 0.1

# Below what Linux (from 32768) and macOS (from 49152) give to outgoing connections.
NOT_FOR_CONNECTIONS: Final = range(20_000, 32_768)


def why_taken(host: str, port: int) -> str | None:
    """Why nothing can listen on *host*:*port*, or None when something can."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections that are closing do not count; a listener does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            return "it is already in use"
        return exc.strerror or str(exc)
    return None


async def require_free(wanted: Iterable[tuple[str, int, str]]) -> None:
    """Wait a moment for each (host, port, option) to be free.

    Raises:
        StackError: one is not; names the port and the option.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    for host, port, option in wanted:
        while (reason := why_taken(host, port)) is not None:
            if time.monotonic() > deadline:
                msg = f"cannot listen on {host} port {port}: {reason}; choose another with {option}"
                raise StackError(msg)
            await asyncio.sleep(RETRY_AFTER_SECONDS)


def free_ports(count: int) -> list[int]:
    """That many different loopback ports that nothing listens on now.

    None of those that the system gives to outgoing connections: one of them may be in use before
    the part that it was chosen for listens.
    """
    candidates = random.sample(NOT_FOR_CONNECTIONS, len(NOT_FOR_CONNECTIONS))
    free = islice((port for port in candidates if why_taken(LOOPBACK, port) is None), count)
    return list(free)


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    return free_ports(1)[0]


class PortRegistry:
    """Remembers the ports chosen for parts, so that a restart uses the same where it can."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._ports: dict[str, int] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            # Ports that are lost are simply chosen again.
            self._ports = {}

    def choose(self, name: str) -> int:
        """The port *name* had before if it is free, else a new one that is noted down."""
        port = self._ports.get(name)
        if port is None or why_taken(LOOPBACK, port) is not None:
            port = self._ports[name] = self._unused()
            self._path.write_text(json.dumps(self._ports, indent=1, sort_keys=True) + "\n")
        return port

    def _unused(self) -> int:
        # A port noted for a part that has not started yet looks free.
        while (port := free_port()) in self._ports.values():
            continue
        return port
