"""The words of the vocabulary: CONTRIBUTING.md says which word is written for which thing."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THIS = "tests/test_language.py"

# Each stands for what the vocabulary of CONTRIBUTING.md calls otherwise.
WORDS = (
    "door|lane|fate|verdict|sighting|receipt|patience|wish|wishes|tether|twin|letter|road|piece|"
    "lot|sender|push|pushe|pushed|pushing|budget|figure|book|told|anew|alike|whoever|reckon|"
    "reckoned|behold|hurry|owe|owed|flood|lesson"
)
PHRASES = (
    r"for ever|in vain|of before|hold back|held back|holds back|made anew|memory of ids"
    r"|(?<!\.)slices?(?!\()"
)
WORD = re.compile(rf"\b(?:(?<!dead )(?<!dead-)(?:{WORDS})s?|{PHRASES})\b")

# Names that users or other people's software know, by what they are.
NAMES = {
    "an option, a process, a crash point, a service or a key of the benchmark": (
        r"--doors?\b|\bdoor-\d+|\bdoor\.\w+|http://door:|\[door\]|^  door:$|[\"'`]doors?[\"'`]"
        r"|\b(?:only|some of) door,|\(\?:worker\|door\)"
    ),
    "a metric, its job, its label or an alert": (
        r"\brailhead[-_]door\w*|\bfate=\"|[\"'`]fate[\"'`]|\bfate=|\(\?:fate\|reason\)"
        r"|, fate \||\bRailhead(?:Door|Pushes)\w+"
    ),
    "a setting, also by the name of its field": (
        r"RAILHEAD_(?:SLICE|REJECT_FLOOD)_\w+|\b(?:slice|reject_flood)_\w+"
    ),
    "an alarm": r"\bmissing_slice\b|\breject_flood\b",
    "a column": r"\bletter_(?:partition|offset|appended_at|incarnation)\b",
    "a finding of reconcile": r"\btwo fates\b",
    "the name of an operation in /openapi.json": r"\bpush(?:FastTrackEvents|_fast_track_events)\b",
    "aiokafka's": r"\b_?sender(?:_task)?\b(?=[._]|\.cancel)|\bsender_task\b",
    "a game of the demo": r"\bbook-of-rails\b",
    "Python's": r": slice \|",
    "Git's": r"--push|git push",
}
NAME = re.compile("|".join(NAMES.values()), re.MULTILINE)

# Files whose words are not free.
FIXED = {
    "sinks/migrations/": "an applied migration is never edited",
    "sinks/views/01_events.sql": "its columns have the comments of the tables",
}
SUFFIXES = {".py", ".md", ".sql", ".yml", ".toml", ".sh", ".xml", ".env", ".service"}


def words_of(line: str) -> Iterator[str]:
    """The words of *line* that the vocabulary calls otherwise, those inside of names too."""
    text = NAME.sub(" ", line)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text).lower()
    yield from (found.group(0) for found in WORD.finditer(spaced))


def files() -> list[str]:
    """What is kept under version control and written by people."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a checkout of the repository")
    return [
        name
        for name in listed.stdout.split()
        if (Path(name).suffix in SUFFIXES or name in {"Makefile", "Dockerfile"})
        and name != THIS
        and not name.startswith(tuple(FIXED))
        and (ROOT / name).exists()
    ]


def test_the_vocabulary_is_kept() -> None:
    """One word for one thing, the standard one of the field."""
    found = [
        f"{name}:{number}: {word}"
        for name in files()
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        for word in words_of(line)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("the door answers", ["door"]),
        ("class SliceConsumer:", ["slice"]),
        ("def last_sighting_of(", ["sighting"]),
        ("two dead letters and a dead-letter topic", []),
        ("values[1:].slice(2)", []),
        ("railhead up --doors 2, as door-1", []),
        ("one letter", ["letter"]),
    ],
)
def test_words_are_found_inside_of_names_and_names_of_users_are_left(
    line: str, words: list[str]
) -> None:
    """The test above looks where names are made, and passes over those that stay."""
    assert list(words_of(line)) == words


def test_a_modules_header_states_what_is_in_it() -> None:
    """A header that asks leaves the answer to the reader."""
    asking = [
        name
        for name in files()
        if name.endswith(".py")
        and "?"
        in (ast.get_docstring(ast.parse((ROOT / name).read_text("utf-8"))) or "").split("\n\n")[0]
    ]

    assert not asking, "\n".join(asking)
