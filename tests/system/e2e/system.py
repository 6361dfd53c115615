"""A whole Railhead under test: `railhead up` as a user starts it, and what a user does with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect

from railhead.stack.ports import free_ports
from railhead.stack.supervision import parent_death

RAILHEAD = str(Path(sys.executable).with_name("railhead"))
BULK = "/api/v1/integrations/fasttrack/bulk"
Result = TypeVar("Result")


def wait_until(
    condition: Callable[[], Result | None], *, seconds: float, what: str, every: float = 0.05
) -> Result:
    """Return the first true value of *condition*; fail after *seconds*, naming *what*."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what} (last: {value!r})")
        time.sleep(every)


@dataclass
class Answer:
    """One answer of the ingest API."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class System:
    """A running stack and the addresses of its parts."""

    data_dir: Path
    http_port: int
    kafka_port: int
    clickhouse_port: int
    process: subprocess.Popen[str] | None = None
    options: Sequence[str] = ()

    @classmethod
    def make(cls, data_dir: Path, *options: str) -> System:
        """A stack that is to live in *data_dir*, on free ports."""
        http, kafka, clickhouse = free_ports(3)
        return cls(data_dir, http, kafka, clickhouse, options=options)

    @property
    def kafka(self) -> str:
        """Bootstrap address of the broker."""
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def url(self) -> str:
        """Base address of the ingest API."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the commands need to find this stack."""
        return {
            **os.environ,
            "RAILHEAD_KAFKA_BOOTSTRAP": self.kafka,
            "RAILHEAD_CLICKHOUSE_URL": f"http://127.0.0.1:{self.clickhouse_port}",
            "RAILHEAD_DATA_DIR": str(self.data_dir),
        }

    def up(self) -> None:
        """`railhead up`; returns when it printed its ready line."""
        command = [
            RAILHEAD, "up", "--data-dir", str(self.data_dir), "--http-port", str(self.http_port),
            "--kafka-port", str(self.kafka_port), "--clickhouse-port", str(self.clickhouse_port),
            *self.options,
        ]  # fmt: skip
        # A test run that is killed leaves nothing behind.
        self.process = subprocess.Popen(
            parent_death.command(os.getpid(), command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("ready "):
                return
        raise AssertionError("railhead up ended before it was ready:\n" + "".join(lines))

    def down(self) -> int:
        """SIGTERM to `railhead up`; its exit code."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode

    def again(self, *options: str) -> None:
        """Stop, and start with these options."""
        assert self.down() == 0
        self.options = options
        self.up()

    def pid(self, part: str) -> int | None:
        """Process id of a part such as `door-1`; None while it is down."""
        try:
            number = int((self.data_dir / "run" / f"{part}.pid").read_text())
            os.kill(number, 0)
        except (OSError, ValueError):
            return None
        return number

    def kill(self, part: str) -> int:
        """`kill -9` of a part; its old process id."""
        pid = wait_until(lambda: self.pid(part), seconds=30, what=f"{part} runs")
        os.kill(pid, signal.SIGKILL)
        return pid

    def pause(self, part: str) -> None:
        """SIGSTOP: the part hangs, its connections stay open.

        Shortly: after twenty seconds the supervisor kills it and starts it again.
        """
        pid = wait_until(lambda: self.pid(part), seconds=30, what=f"{part} runs")
        os.kill(pid, signal.SIGSTOP)

    def unpause(self, part: str) -> None:
        """SIGCONT."""
        os.kill(int((self.data_dir / "run" / f"{part}.pid").read_text()), signal.SIGCONT)

    def wait_restarted(self, part: str, old_pid: int) -> None:
        """Wait until the supervisor has started *part* again."""
        wait_until(
            lambda: self.pid(part) not in (None, old_pid), seconds=60, what=f"{part} is back"
        )

    def railhead(self, *words: str, check: bool = True, stdin: str | None = None) -> str:
        """Run a command of the command line; what it printed on standard output."""
        done = subprocess.run(
            [RAILHEAD, *words], env=self.environment, capture_output=True, text=True, check=False,
            input=stdin, timeout=120,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"railhead {' '.join(words)}: {done.stdout}\n{done.stderr}")
        return done.stdout

    def tenant(self, name: str) -> str:
        """Add a tenant; its key."""
        return self.railhead("tenant", "add", name, "--data-dir", str(self.data_dir)).strip()

    def post(
        self,
        items: Any,
        key: str,
        *,
        query: str = "",
        timeout: float = 60,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post a batch as FastTrack does."""
        body = items if isinstance(items, bytes) else json.dumps(items).encode()
        request = urllib.request.Request(
            self.url + BULK + query,
            data=body,
            headers={"x-api-key": key, "content-type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), dict(error.headers))

    def post_items(self, items: Any, key: str, *, seconds: float = 90) -> None:
        """Post a batch and retry it until it is answered 204, as a client does."""

        def accepted() -> bool:
            try:
                return self.post(items, key, timeout=30).status == 204
            except OSError:
                return False

        wait_until(accepted, seconds=seconds, what="the batch is answered 204", every=0.2)

    def sql(self, query: str, user: str = "default") -> list[tuple[Any, ...]]:
        """Rows of a query, as clickhouse-connect gives them."""
        client = clickhouse_connect.get_client(
            host="127.0.0.1", port=self.clickhouse_port, username=user
        )
        try:
            return [tuple(row) for row in client.query(query).result_rows]
        finally:
            client.close()

    def value(self, query: str) -> Any:
        """The first column of the first row."""
        return self.sql(query)[0][0]

    def wait_value(self, query: str, expected: Any, *, seconds: float = 30) -> None:
        """Wait until *query* returns *expected*."""

        def is_expected() -> bool:
            try:
                return bool(self.value(query) == expected)
            except Exception:  # noqa: BLE001 - the engine may be down for a moment
                return False

        wait_until(is_expected, seconds=seconds, what=f"{query} = {expected!r}", every=0.1)
