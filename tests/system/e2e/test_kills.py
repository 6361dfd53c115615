"""kill -9 of each part under load, with a retrying client: every id answered 204 is there once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest

from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import bet, count

pytestmark = pytest.mark.e2e

BATCH = 200


class RetryingClient(threading.Thread):
    """Posts batches one after the other, each retried until it is answered 204."""

    def __init__(self, system: System, tenant: str) -> None:
        super().__init__(daemon=True)
        self.system, self.tenant = system, tenant
        self.key = system.tenant(tenant)
        self.acknowledged: list[str] = []
        self.failure: BaseException | None = None
        self._enough = threading.Event()

    def run(self) -> None:
        """Post until `stop` is called."""
        number = 0
        try:
            while not self._enough.is_set():
                ids = [f"{number}-{at}" for at in range(BATCH)]
                self.system.post_items([bet(unique_id) for unique_id in ids], self.key)
                self.acknowledged += ids
                number += 1
        except BaseException as error:  # noqa: BLE001 - reported to the test's own thread
            self.failure = error

    def wait_batches(self, more: int) -> None:
        """Return when *more* further batches were acknowledged."""
        goal = len(self.acknowledged) + more * BATCH
        wait_until(
            lambda: self.failure or len(self.acknowledged) >= goal,
            seconds=120,
            what=f"{more} more batches are acknowledged",
        )

    def stop(self) -> list[str]:
        """Stop after the batch in work; the ids answered 204."""
        self._enough.set()
        self.join(timeout=120)
        assert self.failure is None, self.failure
        return self.acknowledged


@pytest.mark.timeout(420)
def test_every_part_may_be_killed_once(new_system: Callable[..., System]) -> None:
    """Ingest API, worker, broker and engine die in turn; nothing is lost or doubled."""
    system = new_system("--partitions", "2")
    client = RetryingClient(system, f"kill{uuid.uuid4().hex[:8]}")
    client.start()
    client.wait_batches(3)

    for part in ("door-1", "worker-1", "kafka", "clickhouse"):
        killed = system.kill(part)
        system.wait_restarted(part, killed)
        client.wait_batches(3)

    acknowledged = client.stop()
    assert len(set(acknowledged)) == len(acknowledged)
    system.wait_value(count(client.tenant), len(acknowledged), seconds=90)
    for final in ("", "FINAL"):
        rows = system.sql(
            f"SELECT unique_id FROM fasttrack.casino {final} WHERE tenant = '{client.tenant}'"
        )
        assert sorted(row[0] for row in rows) == sorted(acknowledged)


@pytest.mark.timeout(300)
def test_an_outage_of_the_store_is_lag_and_nothing_else(
    new_system: Callable[..., System],
) -> None:
    """The engine is stopped under load: nothing is dead-lettered, all is there after."""
    system = new_system()
    client = RetryingClient(system, f"out{uuid.uuid4().hex[:8]}")
    client.start()
    client.wait_batches(3)

    system.pause("clickhouse")
    client.wait_batches(40)
    system.unpause("clickhouse")

    acknowledged = client.stop()
    system.wait_value(count(client.tenant), len(acknowledged), seconds=90)
    assert system.value(count(client.tenant, "rejected")) == 0
