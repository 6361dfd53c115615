"""curl, as it comes with the system."""

from __future__ import annotations

import json
import subprocess

from checks import AMOUNT, OWNER, URL, USER, check, equal, true


def anonymous(*arguments: str, stdin: str = "", address: str = "") -> str:
    """What curl prints without `--user`."""
    command = ["curl", "-sS", "--max-time", "30", *arguments, URL + address]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def curl(*arguments: str, stdin: str = "", address: str = "") -> str:
    """What curl prints for the user."""
    return anonymous("--user", f"{USER}:", *arguments, stdin=stdin, address=address)


@check("connect")
def _() -> None:
    equal(curl(), "Ok.\n")
    equal(curl(address="ping"), "Ok.\n")


@check("every view")
def _() -> None:
    for view in curl("--data", "SHOW TABLES FROM fasttrack").split():
        true(bool(curl("--data", f"SELECT * FROM fasttrack.{view} FORMAT JSONEachRow")))


@check("a statement in the URL, from a file, in a form")
def _() -> None:
    equal(curl(address="?query=SELECT%201"), "1\n")
    equal(curl("--data-binary", "@-", stdin="SELECT 2"), "2\n")
    equal(curl("--get", "--data-urlencode", "query=SELECT 1 + 2"), "3\n")
    equal(curl("--form", "query=SELECT {n:UInt8}", "--form", "param_n=4"), "4\n")


@check("compressed answers")
def _() -> None:
    answer = curl(
        "--compressed", "--data", "SELECT 7 AS n FORMAT JSON", address="?enable_http_compression=1"
    )
    equal(json.loads(answer)["data"], [{"n": 7}])


@check("exact amounts")
def _() -> None:
    equal(curl("--data", "SELECT amount FROM fasttrack.casino LIMIT 1"), f"{AMOUNT}\n")


@check("user and key in headers and in the URL")
def _() -> None:
    headers = ("--header", f"X-ClickHouse-User: {USER}", "--header", "X-ClickHouse-Key:")
    sql = ("--data", "SELECT currentUser()")
    equal(anonymous(*headers, *sql), f"{USER}\n")
    equal(anonymous(*sql, address=f"?user={USER}"), f"{USER}\n")


@check("an error has its code and status")
def _() -> None:
    answer = curl("--write-out", "%{http_code} %header{x-clickhouse-exception-code}",
                  "--data", "SELECT * FROM fasttrack.nothing")  # fmt: skip
    true(answer.endswith("404 60"))


@check("an insert")
def _() -> None:
    table = "default.curl_client"
    if not OWNER:
        answer = curl(
            "--data-binary", "@-", stdin="1\n", address=f"?query=INSERT+INTO+{table}+FORMAT+TSV"
        )
        true("Code: 497" in answer)
        return
    curl("--data", f"CREATE OR REPLACE TABLE {table} (id UInt32) ORDER BY id")
    curl("--data-binary", "@-", stdin="1\n2\n", address=f"?query=INSERT+INTO+{table}+FORMAT+TSV")
    equal(curl("--data", f"SELECT sum(id) FROM {table}"), "3\n")
    curl("--data", f"DROP TABLE {table} SYNC")
