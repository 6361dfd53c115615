"""A whole Railhead, and a brand whose items are rejected."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from railhead.cli.main import main
from tests.system.e2e.system import System


def bet(unique_id: str, **fields: Any) -> dict[str, Any]:
    """A casino item; a field given as None is left out."""
    data = {
        "unique_id": unique_id,
        "user_id": "u1",
        "timestamp": "2026-01-15T12:00:00Z",
        "game_id": "g",
        "round_id": "r",
        "type": "bet",
        "amount": 1,
        "currency": "EUR",
        "bonus_wager_amount": 0,
        **fields,
    }
    kept = {name: value for name, value in data.items() if value is not None}
    return {"event": "realtime-casino", "data": kept}


@dataclass
class Brand:
    """A tenant, its key, and what its operator sees of commands: standard output and error."""

    system: System
    capsys: pytest.CaptureFixture[str]
    name: str
    key: str
    said: str = ""

    def post(self, *items: Any) -> None:
        """Post items, well-formed or not."""
        raws = [item if isinstance(item, str) else json.dumps(item) for item in items]
        assert self.system.post(f"[{','.join(raws)}]".encode(), self.key).status == 204

    def wait(self, view: str, rows: int) -> None:
        """Wait until a view shows *rows* rows of this tenant."""
        self.system.wait_value(self.count(view), rows)

    def count(self, view: str) -> str:
        """A query that counts this tenant's rows of a view."""
        return f"SELECT count() FROM fasttrack.{view} WHERE tenant = '{self.name}'"

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command, which must end with *code*; returns its output, `said` has its errors."""
        self.capsys.readouterr()
        ended = main(list(words))
        printed, self.said = self.capsys.readouterr()
        assert ended == code, f"{printed}\n{self.said}"
        return printed

    def replay(self, *words: str, code: int = 0) -> str:
        """`rejected replay` of this tenant's items through the ingest API."""
        options = ("--tenant", self.name, "--url", self.system.url)
        return self.run("rejected", "replay", *options, *words, code=code)

    def dead_letters(self) -> list[dict[str, Any]]:
        """All rejected items, oldest first."""
        lines = self.run("rejected", "export", "--tenant", self.name).splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack for the tests of rejected items."""
    running = System.make(tmp_path_factory.mktemp("dead-letters") / "data", "--partitions", "2")
    running.up()
    yield running
    assert running.down() == 0


@pytest.fixture
def brand(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Brand:
    """A tenant no other test uses; commands find the stack by the environment."""
    name = f"t{uuid.uuid4().hex[:12]}"
    key = system.tenant(name)
    for variable, value in system.environment.items():
        if variable.startswith("RAILHEAD_"):
            monkeypatch.setenv(variable, value)
    monkeypatch.setenv("RAILHEAD_KEY", key)
    return Brand(system, capsys, name, key)
