"""docs/clients.md, made from the results and the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.clients.matrix import CLIENTS, Client
from tests.clients.results import USERS, Cell, Results
from tests.clients.running import summary

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "clients.md"
_INTRODUCTION: Final = (
    """# Clients

How to connect other people's clients to `railhead clickhouse`, the one-machine ClickHouse, and """
    "what they can do there. `make clients` runs a program for each of them, with the client's "
    "default settings, as the user `default` and as `analyst`, and writes this page (the programs "
    "are in `tests/clients`). A check of what `analyst` may not do passes if it is refused with a "
    "server's error. A client whose tools are not on the machine is skipped."
    "\n\nAll connect over HTTP, without TLS and without a password, to `http://127.0.0.1:8123`. "
    "There is no native TCP protocol: choose HTTP in clients that know both. A real server has "
    "both, and the password you were given."
)


def document(results: Results) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, "\n".join(_table(results))]
    parts += ["\n".join(_chapter(client, results)) for client in CLIENTS]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(results: Results) -> Iterator[str]:
    yield f"The engine: ClickHouse {results.engine}. A cell says how many of its checks passed."
    yield ""
    yield "| client | version | " + " | ".join(f"as `{user}`" for user in USERS) + " |"
    yield "| --- | --- |" + " --- |" * len(USERS)
    found = {(one.client, one.user): one for one in results.cells}
    for client in CLIENTS:
        cells = [found.get((client.name, user)) for user in USERS]
        texts = [summary(cell) if cell else "not run" for cell in cells]
        yield f"| {client.name} | {client.version} | {' | '.join(texts)} |"


def _chapter(client: Client, results: Results) -> Iterator[str]:
    yield f"## {client.name}"
    yield ""
    yield f"```{client.language}\n{client.snippet.strip()}\n```"
    if client.notes:
        yield ""
        yield client.notes
    failed = [
        line for cell in results.cells if cell.client == client.name for line in _failed(cell)
    ]
    if failed:
        yield ""
        yield "Failed:"
        yield ""
        yield from failed


def _failed(cell: Cell) -> Iterator[str]:
    for one in cell.checks:
        if not one.ok:
            yield f"- as `{cell.user}`, {one.name}: `{_one_line(one.detail)}`"


def _one_line(text: str) -> str:
    return " ".join(text.replace("`", "'").split())[:300]
