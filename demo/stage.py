"""What the demo runs with: the stack, a key, a connection to the API, an analyst's client."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client

from railhead.send.client import SendClock
from railhead.send.connection import Answer, ApiConnection
from railhead.stack.settings import StackSettings
from sinks.connection import client_arguments
from sinks.settings import read_settings
from tenants.changes import add_tenant, make_key, rotate
from tenants.tenants import Tenant, TenantsFile
from tenants.tenants_file import change_tenants

TENANT: Final = "demo"
FORBIDDEN: Final = 403
OLD_KEYS_LAST: Final = timedelta(days=1)
KEY_KNOWN_WITHIN_SECONDS: Final = 15.0


class DemoEndedError(Exception):
    """The demo was asked to end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo runs with; `stop` is set when it should end."""

    settings: StackSettings
    key: str
    stop: threading.Event

    def api(self) -> ApiConnection:
        """Return a connection to the ingest API."""
        return ApiConnection(self.settings.http_url, self.key)

    def clock(self) -> SendClock:
        """Return a clock whose sleep ends with the demo."""
        return SendClock(sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `DemoEndedError` as soon as the demo should end."""
        if self.stop.wait(seconds):
            raise DemoEndedError

    @contextmanager
    def analyst(self) -> Iterator[Client]:
        """Connect to ClickHouse as an analyst, who can read the views and nothing else."""
        settings = read_settings(url=self.settings.clickhouse_url, user="analyst", password="")
        with create_client(**client_arguments(settings)) as client:
            yield client


def new_key(path: Path) -> str:
    """Make a key for the tenant `demo` in the tenants file at *path*; add the tenant if necessary.

    Keys of earlier demos end a day later.
    """
    now = datetime.now(UTC)
    shown = ""

    def change(file: TenantsFile, pepper: bytes) -> TenantsFile:
        nonlocal shown
        stored, shown = make_key(pepper, now=now)
        if TENANT in file.tenants:
            return rotate(file, TENANT, stored, old_keys_until=now + OLD_KEYS_LAST)
        return add_tenant(file, TENANT, Tenant(created_at=now, keys=(stored,)))

    change_tenants(path, change)
    return shown


def wait_for_key(stage: Stage) -> Answer:
    """Return the first answer that is not 403: the API re-reads the tenants file periodically."""
    api, give_up_at = stage.api(), time.monotonic() + KEY_KNOWN_WITHIN_SECONDS
    while True:
        answer = api.post(b"[]", query="?dry_run=1")
        if answer.status != FORBIDDEN or time.monotonic() > give_up_at:
            api.close()
            return answer
        stage.sleep(0.05)
