"""Lays out tables in 80 columns; where a line a row is wider, each row is turned on its side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# What fits any terminal, and a page of a report.
WIDTH: Final = 80
# Before each column; one more character stands after the last.
GAP: Final = 2


class TableColumn(NamedTuple):
    """A column: its name and the text of each row; a `Text` brings its own style."""

    name: str
    cells: Sequence[str | Text]
    is_number: bool = False

    @property
    def heading(self) -> str:
        """The name, in a line a word where nothing below it is as wide."""
        widest = max(map(_width, self.cells), default=0)
        return self.name if len(self.name) <= widest else self.name.replace(" ", "\n")

    @property
    def width(self) -> int:
        """Characters of its widest line."""
        return max(map(_width, [self.heading, *self.cells]))


def _width(cell: str | Text) -> int:
    return max(map(len, str(cell).split("\n")))


def output_console() -> Console:
    """Standard output: as wide as the terminal; `WIDTH` in a file or a pipe."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def fitted(columns: Sequence[TableColumn]) -> Table:
    """Make a table of *columns*, which all have as many rows; no text is taken for markup."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    lines = zip(*(column.cells for column in columns), strict=True)
    if sum(column.width + GAP for column in columns) >= WIDTH:
        table.show_header = False
        table.add_column()
        table.add_column(overflow="fold")
        for line in lines:
            for column, cell in zip(columns, line, strict=True):
                table.add_row(column.name, _text(cell), end_section=column is columns[-1])
        return table
    for column in columns:
        justify = "right" if column.is_number else "left"
        table.add_column(column.heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for line in lines:
        table.add_row(*map(_text, line))
    return table


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
