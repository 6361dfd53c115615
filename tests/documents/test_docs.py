"""Tables, commands, links and the sample in the documents agree with the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.printing import curl
from streams.metrics import ALARM_KINDS
from tests.documents.command_lines import actions, parse
from tests.documents.tables import DOCUMENTS, MARKED, ROOT, TABLES, filled

WRITTEN = (
    *DOCUMENTS,
    *(
        ROOT / name
        for name in (
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "DECISIONS.md",
            "SECURITY.md",
            "CHANGELOG.md",
        )
    ),
)
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def ids(path: Path) -> str:
    """Name a test by its document."""
    return path.name


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every `railhead` command in the shell blocks of *text*."""
    for language, block in BLOCK.findall(text):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                yield from words_of(line)


def words_of(line: str) -> Iterator[list[str]]:
    """Yield what follows `railhead`, or the compose service `cli`, in one line of a shell."""
    inner = re.sub(r"^\w+=\$\((.*)\)$", r"\1", line.strip())
    if inner.count("'") % 2:
        return
    words = shlex.split(inner, comments=True)
    for program in ("railhead", "cli"):
        if program in words and (program == "cli" or words[0] == program):
            rest = words[words.index(program) + 1 :]
            end = next((at for at, word in enumerate(rest) if word in {"&", "|", ";", "&&"}), None)
            yield rest[:end]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_tables_are_those_of_the_code(document: Path) -> None:
    """`python -m tests.documents.tables` updates them."""
    text = document.read_text()

    assert filled(text) == text


def test_the_readme_is_short() -> None:
    """What it is, two commands, five minutes, where to read on."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_reference_has_the_tables_that_users_look_for() -> None:
    """Settings, metrics, event types, topics, views, commands, answers."""
    shown = {found[2] for found in MARKED.finditer((ROOT / "docs" / "reference.md").read_text())}

    everywhere = {found[2] for path in DOCUMENTS for found in MARKED.finditer(path.read_text())}
    others = {"folders", "write-order", "reasons", "adjustments", "crash-points", "mutants"}
    assert shown >= set(TABLES) - others
    assert everywhere == set(TABLES)


@pytest.mark.parametrize("document", WRITTEN, ids=ids)
def test_commands_in_documents_exist(document: Path) -> None:
    """A line pasted from a shell block gives no usage error."""
    for words in commands(document.read_text()):
        if words and words[0] != "--help":
            parse(words)


@pytest.mark.parametrize("document", WRITTEN, ids=ids)
def test_commands_within_sentences_exist(document: Path) -> None:
    """Command, action and options; arguments may be left out, or stand for something."""
    options = {name: set(parser._option_string_actions) for name, parser in actions()}
    groups = {name.partition(" ")[0] for name in options}
    for text in re.findall(r"`railhead ([a-z][^`]*)`", BLOCK.sub("", document.read_text())):
        words = shlex.split(text)
        name = next((one for one in (" ".join(words[:2]), words[0]) if one in options), words[0])
        assert name in options.keys() | groups, text
        assert {one for one in words if one.startswith("--")} <= options.get(name, set()), text


def test_readme_shows_commands_at_all() -> None:
    """The test above has something to check."""
    found = [words[0] for words in commands((ROOT / "README.md").read_text()) if words]

    assert {"up", "tenant", "sql", "rejected", "reconcile"} <= set(found)


def test_sample_is_the_contracts_own() -> None:
    """The request in the README is that of the contract's page, with host and key replaced."""
    text = (ROOT / "README.md").read_text()

    assert (
        curl("http://127.0.0.1:8080", "$KEY").replace("'Auth", '"Auth').replace("$KEY'", '$KEY"')
        in text
    )


@pytest.mark.parametrize("document", WRITTEN, ids=ids)
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link is a file, and its anchor a heading of that file."""
    for target in re.findall(r"\]\(([^)#\s]*)(?:#[\w-]+)?\)", document.read_text()):
        if target and "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", WRITTEN, ids=ids)
def test_files_named_in_documents_exist(document: Path) -> None:
    """A path of this tree in code quotes is really there."""
    for path in re.findall(
        r"`((?:deploy|docs|tests|railhead|requirements)/[\w./@-]+)`", document.read_text()
    ):
        assert (ROOT / path).exists(), path


def test_make_targets_in_documents_exist() -> None:
    """`make NAME` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in WRITTEN:
        assert (
            set(
                re.findall(
                    r"\bmake ([a-z-]+)\b(?=[`\s])",
                    "\n".join(
                        [block for _, block in BLOCK.findall(document.read_text())]
                        + re.findall(r"`(make [^`]*)`", document.read_text())
                    ),
                )
            )
            <= targets
        ), document.name


def test_runbook_explains_every_alarm() -> None:
    """And no alarm that is never raised."""
    text = (ROOT / "docs" / "runbook.md").read_text()
    section = text.split("## A worker raises an alarm")[1].split("\n## ")[0]

    assert sorted(ALARM_KINDS) == sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
