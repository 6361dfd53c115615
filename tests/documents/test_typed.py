"""Types all that the documents show, in their order, at one running stack.

A block is typed after all that stand before it, as a reader comes to it: the key that the README
makes is used on every page. So one test alone takes as long as all up to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from clickhouse_connect.driver import create_client
from confluent_kafka import Producer

from demo.traffic.traffic import batches
from railhead.kafka.topic_admin import TopicError
from railhead.lag import lag_behind, read_ends
from tests.documents.blocks import Block, blocks_of, is_as_shown, statements
from tests.documents.terminal import Terminal, Typed
from tests.system.e2e.system import RAILHEAD, System, wait_until

pytestmark = pytest.mark.e2e

DOCUMENTS: Final = ("README.md", "docs/analysts.md", "docs/producers.md", "docs/runbook.md")
BLOCKS: Final = tuple(block for name in DOCUMENTS for block in blocks_of(name))
# Document and beginning of each block that is not typed, and why.
NOT_TYPED: Final = {
    ("README.md", "make run "): "the demo has a test, and `make test` is what runs this one",
    ("README.md", "railhead up\n"): "the stack of all the others: it is started, on free ports",
    ("docs/runbook.md", "docker compose "): "it needs Docker",
    ("docs/runbook.md", "railhead topics --partitions 12 "): "it needs three brokers",
}
# What a block leads to, besides the output that is shown below it: a query and its answer.
LEADS_TO: Final = {
    ("README.md", "curl -s "): (
        "SELECT reason, field FROM rejected WHERE topic = '' ORDER BY received_at LIMIT 1",
        ("bad_time", "data.timestamp"),
    ),
    ("README.md", "printf "): (
        "SELECT count() FROM login WHERE tenant = 'acme' AND user_id = '687'",
        (20_000,),
    ),
    ("docs/producers.md", "from confluent_kafka "): (
        "SELECT tenant, user_id FROM login WHERE unique_id = 'l-1'",
        ("acme", "686"),
    ),
}
# Where a process was killed just before, it may still be starting: they are typed again.
ASKED_AGAIN: Final = {"railhead reconcile", "railhead doctor"}
# These list or end statements that run meanwhile; tests/engine_http/test_own_processes.py has some.
ABOUT_OTHERS: Final = ("SHOW PROCESSLIST", "SELECT query_id, elapsed", "KILL QUERY")
# What every installation has of its own, as it stands in the documents.
API, KAFKA, KEY_PREFIX = "127.0.0.1:8080", "127.0.0.1:9092", "abcd2345"
EVENING: Final = 3_000


def is_at(block: Block, place: tuple[str, str]) -> bool:
    """Whether *block* is in that document and begins so."""
    return block.document == place[0] and block.text.startswith(place[1])


TYPED: Final = [one for one in BLOCKS if not any(is_at(one, place) for place in NOT_TYPED)]


class Reader:
    """Reads the documents at a running stack, with a terminal and a client of ClickHouse."""

    def __init__(self, system: System, directory: Path) -> None:
        self.system = system
        self._directory = directory
        paths = f"{Path(RAILHEAD).parent}:{os.environ['PATH']}"
        own = {name: text for name, text in os.environ.items() if not name.startswith("RAILHEAD_")}
        self.terminal = Terminal(directory, own | {"PATH": paths})
        self._analyst = create_client(
            host="127.0.0.1", port=system.clickhouse_port, username="analyst", database="fasttrack"
        )
        self._typed: list[Typed] = []

    def come_to(self, block: Block) -> Typed:
        """Type all up to *block*; return what came of it."""
        wanted = TYPED.index(block)
        while len(self._typed) <= wanted:
            one = TYPED[len(self._typed)]
            if one.document == "docs/analysts.md" and not self.rows("SELECT 1 FROM sports_bet"):
                self._an_evening()
            self.wait_for_outcomes()
            self._typed.append(self._query(one) if one.language == "sql" else self._type(one))
        return self._typed[wanted]

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        """What an analyst's client reads."""
        return self._analyst.query(query).result_rows

    def wait_for_outcomes(self) -> None:
        """A person who types takes longer than rows take; a loaded machine may not."""
        wait_until(self._is_stored, seconds=90, what="every record has an outcome")

    def _is_stored(self) -> bool:
        with contextlib.suppress(TopicError):
            ends = asyncio.run(read_ends(self.system.kafka))
            return lag_behind(ends, self._analyst).records == 0
        return False

    def _type(self, block: Block) -> Typed:
        text = block.text.replace(API, f"127.0.0.1:{self.system.http_port}")
        text = text.replace(KAFKA, self.system.kafka)
        text = text.replace(KEY_PREFIX, '"$(cut -d_ -f2 <<< "$KEY")"')
        if block.language == "python":
            text = f"python - <<'PYTHON'\n{text}PYTHON"
        typed = self.terminal.type(text)
        if typed.failed and ASKED_AGAIN.issuperset(typed.failed):
            again = "\n".join(typed.failed)
            typed = wait_until(
                lambda: one if not (one := self.terminal.type(again)).failed else None,
                seconds=90, what=f"{again} is well after\n{typed.output}",
            )  # fmt: skip
        return typed

    def _query(self, block: Block) -> Typed:
        """Run each statement; one that gives no row shows nothing, so it counts as failed."""
        empty = [one for one in statements(block.text) if not self.rows(one)]
        return Typed("", [one for one in empty if not one.startswith(ABOUT_OTHERS)])

    def _an_evening(self) -> None:
        """What an operator sends before analysts come: from yesterday on, as they ask for that."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        with gzip.open(self._directory / "evening.json.gz", "wb", 1) as file:
            for batch in batches(5, EVENING, evening=yesterday.date()):
                file.write(batch.body + b"\n")
        sent = self.terminal.type('railhead send evening.json.gz --key "$KEY"')
        assert not sent.failed, sent.output
        producer = Producer({"bootstrap.servers": self.system.kafka})
        headers: dict[str, str | bytes | None] = {
            "tenant": "acme",
            "received_at": yesterday.isoformat(),
        }
        producer.produce("fasttrack.realtime-login", b"{}", headers=headers)
        assert producer.flush(60) == 0


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The stack of the README, with its state where the README's commands look for it."""
    directory = tmp_path_factory.mktemp("reader")
    system = System.make(directory / ".railhead")
    system.up()
    reader = Reader(system, directory)
    yield reader
    reader.terminal.close()
    assert system.down() == 0


@pytest.mark.parametrize("block", TYPED, ids=lambda block: block.place)
def test_what_a_document_shows_works(reader: Reader, block: Block) -> None:
    """No command fails, each query gives rows, and the output is that which is shown."""
    typed = reader.come_to(block)

    assert not typed.failed, typed.output
    assert not block.output or is_as_shown(block.output, typed.output), typed.output
    for query, answer in (LEADS_TO[place] for place in LEADS_TO if is_at(block, place)):
        reader.wait_for_outcomes()
        assert reader.rows(query) == [answer]


def test_a_key_that_was_revoked_is_refused(reader: Reader) -> None:
    """The last command about keys in the runbook ends them all."""
    [block] = [one for one in TYPED if "railhead tenant revoke acme " in one.text]
    reader.come_to(block)
    key = reader.terminal.type('echo "$KEY"').output

    wait_until(lambda: reader.system.post([], key).status == 403, seconds=30, what="it is refused")


def test_tables_of_this_test_are_about_blocks_that_exist() -> None:
    """Each entry stands for one block, and what is replaced stands in some block."""
    for place in (*NOT_TYPED, *LEADS_TO):
        assert sum(is_at(block, place) for block in BLOCKS) == 1, place
    for text in (API, KAFKA, KEY_PREFIX, *ASKED_AGAIN, *ABOUT_OTHERS):
        assert any(text in block.text for block in TYPED), text


@pytest.mark.parametrize(
    ("document", "output", "is_shown"),
    [
        ("a  b\n1  2\n", " a    b\n────────\n 1    2\n\n", True),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a …\n", "a 17 ms\n", True),
        ("a\n", "a\nb\n", False),
        ("0.5\n", "005\n", False),
    ],
)
def test_output_is_compared_word_by_word(document: str, output: str, *, is_shown: bool) -> None:
    """What a document shows is all that comes out, unless it says otherwise."""
    assert is_as_shown(document, output) is is_shown


def test_a_terminal_notices_every_command_that_fails(tmp_path: Path) -> None:
    """Variables last from block to block; the exit code of the last command is not enough."""
    terminal = Terminal(tmp_path, os.environ)

    assert terminal.type("A=$(echo one)\nls missing\necho $A").failed == ["ls missing"]
    assert terminal.type("cat\nfalse | cat\necho $A").output == "-- failed: cat\none"
    terminal.close()
