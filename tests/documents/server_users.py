"""Prints as JSON what the users of deploy/clickhouse/users.d may do, as the real engine says it.

A program of its own, as the engine takes one configuration for each process. The engine signs in
as `default`; so `default` is given what the file gives to `railhead`, and tries to do its work.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from chdb.session import Session

from demo.answers import QUESTIONS
from sinks.steps import read_steps

USERS = Path("deploy/clickhouse/users.d/railhead.xml").read_text()
FORBIDDEN = (
    "CREATE TABLE default.other (a Int8) ENGINE = Memory",
    "DROP DATABASE fasttrack_store",
    "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a Int8')",
)
ROW = (
    "INSERT INTO fasttrack_store.login (tenant, _id, user_id, unique_id)"
    " VALUES ('t', 'i', 'u', 'i')"
)


def configure(home: Path) -> Path:
    """Write a configuration that reads the users file; returns its main file."""
    found = re.search(r"<railhead>\s*<password.*?(<grants>.*?</grants>)", USERS, re.DOTALL)
    assert found
    grants = found[1].replace("</grants>", "<query>GRANT SHOW ACCESS ON *.*</query></grants>")
    (home / "users.d").mkdir()
    (home / "users.d" / "railhead.xml").write_text(USERS.replace('<default remove="remove"/>', ""))
    (home / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default>"
        "<password/><networks><ip>::/0</ip></networks><profile>default</profile>"
        f"<quota>default</quota>{grants}</default></users></clickhouse>"
    )
    main = home / "config.xml"
    main.write_text(
        f"<clickhouse><users_config>{home}/users.xml</users_config>"
        f"<tmp_path>{home / 'tmp'}</tmp_path></clickhouse>"
    )
    return main


def queries() -> Iterator[str]:
    """Yield every query that a document shows, and those of the demo."""
    for document in (Path("README.md"), *Path("docs").glob("*.md")):
        text = document.read_text()
        for block in re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield from filter(str.strip, block.split(";"))
        yield from re.findall(r'railhead sql "([^"]*)"', text)
    for question in QUESTIONS:
        yield question.sql.replace("{tenant:String}", "'t'").replace("{since:Date}", "today()")


def failing(session: Session) -> list[str]:
    """Run every query; returns the error of each that the engine refuses."""
    failed = []
    for query in queries():
        try:
            session.query(query)
        except RuntimeError as error:
            failed.append(f"{query}: {error}")
    return failed


def facts(session: Session) -> dict[str, object]:
    """Migrate, insert, read through a view, and and try what must be forbidden."""
    for step in (*read_steps("sinks.migrations"), *read_steps("sinks.views")):
        session.query(step.sql)
    session.query(ROW)
    refused = []
    for statement in FORBIDDEN:
        try:
            session.query(statement)
        except RuntimeError as error:
            refused += re.findall(
                r"necessary to have the grant ([A-Z]+(?: [A-Z]+)?) ON", str(error)
            )
    return {
        "analyst": str(session.query("SHOW GRANTS FOR analyst", "TSV")).strip(),
        "rows": int(str(session.query("SELECT count() FROM fasttrack.login", "TSV"))),
        "refused": refused,
        "queries": len(list(queries())),
        "failed": failing(session),
    }


if __name__ == "__main__":
    os.environ |= {"RAILHEAD_CLICKHOUSE_PASSWORD": "a", "ANALYST_CLICKHOUSE_PASSWORD": "b"}
    directory = Path(sys.argv[1])
    engine = Session(f"{directory}/data?config-file={configure(directory)}")
    json.dump(facts(engine), sys.stdout)
