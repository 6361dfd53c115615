"""A temporary stack for a measurement: free ports, and a directory that is removed at the end."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from bench.options import Say
from railhead.paths import tenants_file
from railhead.stack.background import BackgroundStack, running_stack
from railhead.stack.settings import ALL_PARTS, StackSettings
from tenants.changes import add_tenant, make_key
from tenants.tenants import Tenant, TenantsFile
from tenants.tenants_file import change_tenants


@dataclass(frozen=True, slots=True)
class Machine:
    """A running stack and how a measurement talks to it."""

    stack: BackgroundStack
    directory: Path

    @property
    def settings(self) -> StackSettings:
        """Where the parts listen."""
        return self.stack.settings

    def pids(self, *names: str) -> dict[str, int]:
        """The process ids of parts that run."""
        found = {name: self.stack.pid(name) for name in names}
        return {name: pid for name, pid in found.items() if pid is not None}

    def client(self, database: str = "default") -> Client:
        """A connection to the engine as an ordinary program makes one."""
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.settings.clickhouse_port, database=database
        )

    def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of *query*."""
        with self.client() as client:
            return [tuple(row) for row in client.query(query, parameters=parameters).result_rows]

    def keys(self, names: Sequence[str]) -> list[str]:
        """Make tenants of these names; return their keys when ingest APIs know them."""
        now, shown = dt.datetime.now(dt.UTC), list[str]()

        def change(file: TenantsFile, pepper: bytes) -> TenantsFile:
            for name in names:
                stored, key = make_key(pepper, now=now, expires_in=None)
                shown.append(key)
                file = add_tenant(file, name, Tenant(created_at=now, keys=(stored,)))
            return file

        change_tenants(tenants_file(self.directory), change)
        time.sleep(1.0)  # the API reads the file twice a second
        return shown


@contextmanager
def running_machine(
    *,
    parts: tuple[str, ...] = ALL_PARTS,
    partitions: int = 1,
    workers: int = 1,
    apis: int = 1,
    say: Say,
) -> Iterator[Machine]:
    """Start these parts in a directory of their own; stop and remove all of it afterwards.

    Raises:
        StackError: a part does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="railhead-bench-"))
    settings = StackSettings(
        data_dir=directory,
        http_port=0,
        kafka_port=0,
        clickhouse_port=0,
        partitions=partitions,
        workers=workers,
        apis=apis,
        parts=parts,
    )
    try:
        with running_stack(settings, on_progress=say) as stack:
            yield Machine(stack, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
