"""clickhouse-cli, the third-party command line client over HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from checks import AMOUNT, OWNER, PORT, USER, check, true

PROGRAM = Path(sys.executable).with_name("clickhouse-cli")


def run(sql: str, *options: str, stdin: str | None = None) -> str:
    """What it prints for one statement."""
    command = [str(PROGRAM), "--host", "127.0.0.1", "--port", str(PORT), "--user", USER]
    command += [*options, "--query", sql]
    done = subprocess.run(
        command, input=stdin or "", capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@check("connect")
def _() -> None:
    true("1" in run("SELECT 1"))


@check("every view")
def _() -> None:
    views = [
        name for name in run("SHOW TABLES FROM fasttrack", "-F", "TSV").split() if name.islower()
    ]
    true(len(views) >= 17)
    for view in views:
        found = run(f"SELECT * FROM fasttrack.{view} LIMIT 3", "-F", "JSONEachRow")
        true("DB::Exception" not in found and found.strip())


@check("exact amounts")
def _() -> None:
    true(AMOUNT in run("SELECT amount FROM fasttrack.casino LIMIT 1"))


@check("an error is shown")
def _() -> None:
    true("fasttrack.nothing" in run("SELECT * FROM fasttrack.nothing"))


@check("an insert")
def _() -> None:
    if not OWNER:
        answer = run("CREATE TABLE default.cli_client (a UInt8) ORDER BY a")
        true("privileges" in answer or "denied" in answer.lower())
        return
    run("CREATE OR REPLACE TABLE default.cli_client (a UInt8) ORDER BY a")
    run("INSERT INTO default.cli_client VALUES (7)")
    true("7" in run("SELECT sum(a) FROM default.cli_client"))
    run("DROP TABLE default.cli_client SYNC")
