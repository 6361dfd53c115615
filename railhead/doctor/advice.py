"""What to do about a part that does not answer: it depends on how the part was started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from railhead.stack.addresses import Address, StackRecord

# Names of services, in docker-compose.yml and of processes.
SERVICES: Final = {"ingest_api": "door", "kafka": "kafka", "clickhouse": "clickhouse"}
UNITS: Final = {"ingest_api": "railhead-door", "worker": "railhead-worker@1"}
COMMANDS: Final = {"ingest_api": "railhead serve", "worker": "railhead worker"}


class StartedBy(StrEnum):
    """How a part was started, as far as one can see."""

    UP = "a `railhead up` that runs"
    ENDED_UP = "a `railhead up` that has ended"
    COMPOSE = "docker compose"
    HAND = "somebody, here or elsewhere"
    NOBODY = "nobody"


class Advisor(NamedTuple):
    """Gives the advice: from a data directory's record, and whether this is a container."""

    data_dir: Path
    record: StackRecord
    in_container: bool

    def started_by(self, address: Address) -> StartedBy:
        """How the part at *address* was started."""
        key = address.endpoint.key
        if self.record.addresses.get(key) == address.value:
            return StartedBy.ENDED_UP if self.record.has_ended else StartedBy.UP
        host = urlsplit(address.value if "//" in address.value else f"//{address.value}").hostname
        if address.is_default:
            return StartedBy.NOBODY
        compose = self.in_container or host == SERVICES[key]
        return StartedBy.COMPOSE if compose else StartedBy.HAND

    def about(self, address: Address) -> str:
        """What to do when the part at *address* does not answer."""
        return self._start(address.endpoint.key, self.started_by(address), address)

    def about_workers(self, kafka: Address) -> str:
        """What to do when no worker is in the group at the broker *kafka*."""
        return self._start("worker", self.started_by(kafka), kafka)

    def _start(self, key: str, started_by: StartedBy, address: Address) -> str:
        service = SERVICES.get(key, key)
        match started_by:
            case StartedBy.UP:
                logs = self.data_dir / "logs"
                return (
                    "`railhead up` restarts what ends or hangs, within a minute; if it does not, "
                    f"see up.log and {service}*.log in {logs}."
                )
            case StartedBy.ENDED_UP:
                return f"Start it again: `railhead up --data-dir {self.data_dir}`."
            case StartedBy.COMPOSE:
                return (
                    f"`docker compose logs {service}` says why, `docker compose up -d {service}` "
                    f"starts it, `docker compose restart {service}` ends one that hangs."
                )
            case StartedBy.NOBODY:
                return (
                    f"`railhead up` starts everything on this machine. {address.advice} If its "
                    "port is in use above, another program has it: stop that one."
                )
            case StartedBy.HAND:
                return self._by_hand(key, address)

    def _by_hand(self, key: str, address: Address) -> str:
        if key not in COMMANDS:
            return f"Start it where it runs, or correct its address ({address.source})."
        correct = "" if key == "worker" else f", or correct its address ({address.source})"
        return f"Start it: `{COMMANDS[key]}`, or `systemctl restart {UNITS[key]}`{correct}."


def in_container(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a container of Docker's or Podman's."""
    marks = (root / ".dockerenv", root / "run" / ".containerenv")
    return "container" in environ or any(mark.exists() for mark in marks)
