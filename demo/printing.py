"""Prints the account, the answers and the addresses."""

from __future__ import annotations

from importlib.resources import files

from rich import box
from rich.console import Console
from rich.table import Table

from demo.accounting import Account
from demo.answers import answers
from demo.play import evening_day
from demo.stage import TENANT, Stage
from railhead.send.connection import BULK_PATH

_WORDS = {
    "stored": "stored, one row per id",
    "repeat": "repeats, dropped",
    "conflict": "conflicts, same id with other content",
    "rejected": "rejected, kept with field and reason",
}


def print_account(console: Console, account: Account) -> list[str]:
    """Print what was sent and its outcomes; return what does not add up."""
    console.rule("The account: sent = stored + repeats + conflicts + rejected", align="left")
    table = Table("", "sent", "found in ClickHouse", box=box.SIMPLE_HEAD, show_footer=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for line in account.lines():
        table.add_row(f"{line.outcome} {line.detail}", f"{line.sent:,}", f"{line.found:,}")
    table.add_section()
    totals = [account.total(outcome) for outcome in _WORDS]
    for total in totals:
        table.add_row(_WORDS[total.outcome], f"{total.sent:,}", f"{total.found:,}", style="bold")
    sent, found = sum(line.sent for line in totals), sum(line.found for line in totals)
    table.add_row("all items", f"{sent:,}", f"{found:,}", style="bold")
    console.print(table)
    problems = account.problems()
    for problem in problems:
        console.print(f"DOES NOT ADD UP: {problem}", style="bold red")
    if not problems:
        parts = " + ".join(f"{total.found:,}" for total in totals)
        console.print(f"It adds up: {found:,} = {parts}.", style="bold green")
    return problems


def print_answers(console: Console, stage: Stage) -> None:
    """Print the answers to the analysts' first questions."""
    console.rule("The analysts' answers", align="left")
    with stage.analyst() as client:
        for heading, table in answers(client, TENANT, evening_day()):
            console.print(heading, style="italic")
            console.print(table)


def print_addresses(console: Console, stage: Stage) -> None:
    """Print where everything is, and a request ready to be pasted."""
    settings = stage.settings
    console.rule("Where it is", align="left")
    for name, address in (
        ("ingest API", settings.http_url + BULK_PATH),
        ("its description", f"{settings.http_url}/docs"),
        ("metrics", f"{settings.http_url}/metrics"),
        ("ClickHouse", f"{settings.clickhouse_url}  (user analyst, no password)"),
        ("Kafka", settings.kafka_bootstrap),
        ("state and logs", str(settings.data_dir.absolute())),
    ):
        console.print(f"{name:>16}  {address}", soft_wrap=True)
    console.rule("A request to paste", align="left")
    console.print(curl(settings.http_url, stage.key), soft_wrap=True)


def curl(url: str, key: str) -> str:
    """Return the contract's sample request with *url*'s host and *key* put in."""
    sample = (files("demo") / "sample.json").read_text().rstrip()
    return (
        "curl --request POST \\\n"
        f"  --url '{url}{BULK_PATH}' \\\n"
        f"  --header 'Authorization: Bearer {key}' \\\n"
        "  --header 'Content-Type: application/json' \\\n"
        f"  --data '{sample}'"
    )
