"""Starts the real process as an operator does, on a free port."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.mutants.run import VARIABLE

START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def code(self) -> int:
        """ClickHouse's code of the error; 0 for none."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))

    @property
    def summary(self) -> dict[str, int]:
        """The counts ClickHouse gives with a result."""
        found = json.loads(self.headers["x-clickhouse-summary"])
        return {name: int(value) for name, value in found.items()}


@dataclass
class EngineProcess:
    """One `railhead clickhouse` process on a data directory."""

    data_dir: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    log: list[str] = field(default_factory=list)

    def start(self) -> EngineProcess:
        """Start it and wait for its `ready` line."""
        module = "tests.system.mutants.command" if os.environ.get(VARIABLE) else "railhead.cli.main"
        command = [sys.executable, "-m", module, "clickhouse", "--port", "0"]
        command += ["--data-dir", str(self.data_dir), *self.options]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.reader = threading.Thread(
            target=self.log.extend, args=(self.process.stderr,), daemon=True
        )
        self.reader.start()
        guard = threading.Timer(START_SECONDS, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        match = re.fullmatch(r"ready (http://\S+)\n", line)
        assert match, f"no ready line but {line!r}; log: {self.log}"
        self.url = match[1]
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def ask(
        self,
        sql: str | bytes = b"",
        parameters: Mapping[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        method: str | None = None,
        path: str = "/",
        **arguments: str,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Parameters of the URL are given as a mapping, by name, or both.
        """
        body = sql.encode() if isinstance(sql, str) else sql
        request = urllib.request.Request(
            f"{self.url}{path}?{urllib.parse.urlencode({**(parameters or {}), **arguments})}",
            data=body if method != "GET" else None,
            headers=headers or {},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return _answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.read(), error.headers)

    def value(self, sql: str, **arguments: str) -> str:
        """The only value a query returns."""
        answer = self.ask(sql, arguments)
        assert answer.status == 200, answer.text
        return answer.text.rstrip("\n")

    def analyst(self, sql: str | bytes, **arguments: str) -> Answer:
        """Ask as the analyst."""
        return self.ask(sql, {"user": "analyst", **arguments})


def _answer(status: int, body: bytes, headers: object) -> Answer:
    pairs = {name.lower(): value for name, value in headers.items()}  # type: ignore[attr-defined]
    return Answer(status, body, pairs)
