"""What a reader of the documents types: blocks of commands, of Python and of SQL, and queries."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
FENCED: Final = re.compile(
    r"^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$(?:\n\n```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
QUERY: Final = re.compile(r"`(?P<text>(?:SELECT|SHOW|DESCRIBE|KILL) [^`]+)`")
LANGUAGES: Final = ("sh", "python", "sql")


class Block(NamedTuple):
    """A block, where it stands, and the output that the document shows below it."""

    document: str
    line: int
    language: str
    text: str
    output: str = ""

    @property
    def place(self) -> str:
        """Document and line."""
        return f"{self.document}:{self.line}"


def blocks_of(document: str) -> Iterator[Block]:
    """Yield the blocks of *document*, and the queries within its sentences, in their order."""
    text = (ROOT / document).read_text()
    end = 0
    for fence in FENCED.finditer(text):
        yield from _queries(document, text, end, fence.start())
        end = fence.end()
        if fence["language"] in LANGUAGES:
            typed = textwrap.dedent(fence["text"])
            line = text.count("\n", 0, fence.start("text")) + 1
            yield Block(document, line, fence["language"], typed, fence["output"] or "")
    yield from _queries(document, text, end, len(text))


def _queries(document: str, text: str, start: int, end: int) -> Iterator[Block]:
    for query in QUERY.finditer(text, start, end):
        yield Block(document, text.count("\n", 0, query.start()) + 1, "sql", query["text"])


def statements(sql: str) -> list[str]:
    """The statements of a block of SQL; no text in them has a semicolon."""
    return [one for part in sql.split(";") if (one := part.strip())]


def is_as_shown(document: str, output: str) -> bool:
    """Whether *output* is what *document* shows; an ellipsis there stands for anything.

    How wide the gaps between words are, and rules, do not count.
    """
    pattern = ".*".join(re.escape(part) for part in _words(document).split("…"))
    return re.fullmatch(pattern, _words(output), re.DOTALL) is not None


def _words(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip(" ─"))
