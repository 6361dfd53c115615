"""Checks which ports on this machine are in use, and by which program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from railhead.doctor.finding import DoctorFinding, ok
from railhead.doctor.target import Target
from railhead.stack.ports import why_taken
from railhead.stack.settings import LOOPBACK

PROC: Final = Path("/proc")
LISTENS: Final = "0A"


def ports(target: Target) -> DoctorFinding:
    """Look at the ports of the parts that are on this machine; their own checks say more."""
    addresses = {
        "door": urlsplit(target.api_url),
        "kafka": urlsplit(f"//{target.bootstrap.partition(',')[0]}"),
        "clickhouse": urlsplit(str(target.settings.url) if target.settings else ""),
    }
    local = {
        name: url.port
        for name, url in addresses.items()
        if url.hostname in {LOOPBACK, "localhost"} and url.port
    }
    says = ", ".join(
        f"{port} ({name}) is {f'in use{by(port)}' if why_taken(LOOPBACK, port) else 'free'}"
        for name, port in local.items()
    )
    return ok("ports", says or "no part is on this machine")


def by(port: int) -> str:
    """The program that listens on *port*, as far as this user may see it."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in PROC.glob("[0-9]*") if inodes else ():
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                name = (process / "comm").read_text("utf-8", "replace").strip()
                return f" by {name} (pid {process.name})"
    return ""


def _listening(port: int) -> Iterator[str]:
    """The numbers of the sockets that listen on *port*; see proc_net_tcp(5)."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                local, state, inode = fields[1], fields[3], fields[9]
                if state == LISTENS and int(local.rpartition(":")[2], 16) == port:
                    yield inode
