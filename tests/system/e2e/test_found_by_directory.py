"""Commands find a stack on other ports by its data directory alone."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.traffic.traffic import batches
from railhead.cli.main import COMMANDS
from railhead.stack.addresses import ADDRESSES_FILE
from tests.documents.test_docs import commands
from tests.system.e2e.system import RAILHEAD, System

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[3]
# What a user of the README types besides, and what an operator does.
OTHERS = (
    ["tenant", "list"],
    ["tenant", "rotate", "acme"],
    ["tenant", "id-fields", "acme", "realtime-payment=payment_id,status", "--yes"],
    ["topics", "--check"],
    ["migrate"],
    ["conflicts"],
    ["check", "sample.json"],
    ["rejected", "export"],
    ["rejected", "replay", "--tenant", "acme", "--dry-run", "--via", "kafka"],
    ["rejected", "replay", "--tenant", "acme", "--dry-run"],
)
# These are parts themselves, or start a stack of their own.
PARTS = {"up", "serve", "worker", "clickhouse", "demo", "bench"}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A stack on free ports."""
    running = System.make(tmp_path / "D")
    running.up()
    yield running
    running.down()


def run(system: System, tmp_path: Path, *words: str, **variables: str) -> tuple[int, str, str]:
    """A command in another directory, given nothing but the data directory."""
    named = {name: text for name, text in os.environ.items() if not name.startswith("RAILHEAD_")}
    done = subprocess.run(
        [RAILHEAD, *words, "--data-dir", str(system.data_dir)], cwd=tmp_path,
        env=named | variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_every_command_of_the_readme_finds_the_stack(system: System, tmp_path: Path) -> None:
    """Also every other one that talks to a part; when the stack has ended, none does."""
    with gzip.open(tmp_path / "items.json.gz", "wb", 1) as file:
        file.write(next(iter(batches(5, 1000))).body)
    (tmp_path / "sample.json").write_text("[]")
    key, ran = "", set[str]()
    shown = [words for words in commands((ROOT / "README.md").read_text()) if words]
    shown = [words for words in shown if words[0] not in PARTS]
    for words in [*shown, *OTHERS]:
        given = [key if word == "$KEY" else word for word in words]
        code, out, err = run(system, tmp_path, *given, RAILHEAD_KEY=key)

        # What was rejected would be rejected again.
        assert code == ("replay" in words), (words, out, err)
        assert "Traceback" not in err, words
        assert "the default" not in err, words
        ran.add(words[0])
        if words[:2] == ["tenant", "add"]:
            key = out.strip()
    assert ran == COMMANDS.keys() - PARTS
    content = json.loads((system.data_dir / ADDRESSES_FILE).read_text())
    assert content["ingest_api"] == system.url
    assert sorted(content["metrics"]) == ["door-1", "worker-1"]

    # A variable wins, and the error says so.
    code, _, err = run(
        system, tmp_path, "sql", "SELECT 1", RAILHEAD_CLICKHOUSE_URL="http://127.0.0.1:1"
    )
    assert code == 1
    assert "ClickHouse at http://127.0.0.1:1 (from RAILHEAD_CLICKHOUSE_URL)" in err

    assert system.down() == 0
    assert not (system.data_dir / ADDRESSES_FILE).exists()
    _, _, err = run(system, tmp_path, "sql", "SELECT 1")
    assert f"from the default, as no stack runs on {system.data_dir}" in err
