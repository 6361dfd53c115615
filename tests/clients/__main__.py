"""`python -m tests.clients`: try the clients and write docs/clients.md."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.clients import database, results
from tests.clients.document import DOCUMENT, document
from tests.clients.matrix import CLIENTS
from tests.clients.results import Results
from tests.clients.running import cells


def main() -> int:
    """Run what was asked for; 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", help="clients whose name has this text")
    parser.add_argument("--serve", action="store_true", help="start the server, until Ctrl-C")
    parser.add_argument("--url", help="a server that --serve has started")
    parser.add_argument("--document", action="store_true", help="write the page, run nothing")
    options = parser.parse_args()
    if options.serve:
        return _serve()
    if not options.document:
        _run(options.only or "", options.url)
    found = results.load()
    DOCUMENT.write_text(document(found))
    failed = [one for cell in found.cells for one in cell.checks if not one.ok]
    return 1 if failed else 0


def _run(only: str, given: str | None) -> None:
    chosen = [one for one in CLIENTS if only.lower() in one.name.lower()]
    with contextlib.nullcontext(given) if given else _filled() as url:
        before = results.load() if results.DATA.exists() else Results("")
        after = Results(_version(url), before.cells)
        for cell in cells(chosen, int(url.rpartition(":")[2]), _say):
            after = after.with_cells([cell])
            results.keep(after)


@contextlib.contextmanager
def _filled() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, database.served(Path(directory)) as engine:
        yield engine.url


def _version(url: str) -> str:
    with urllib.request.urlopen(f"{url}/?query=SELECT+version()", timeout=30) as answer:
        return str(answer.read().decode().strip())


def _serve() -> int:
    with _filled() as url, contextlib.suppress(KeyboardInterrupt):
        _say(url)
        threading.Event().wait()
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the command's progress


if __name__ == "__main__":
    sys.exit(main())
