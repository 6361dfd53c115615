"""Tables fit 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.console import Console
from rich.text import Text

from railhead.tables import WIDTH, TableColumn, fitted


def lines_of(columns: Sequence[TableColumn]) -> list[str]:
    """What is printed of it, without empty lines and rules."""
    console = Console(width=WIDTH)
    with console.capture() as captured:
        console.print(fitted(columns))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= WIDTH
    return [line.strip() for line in lines if line.strip(" ─")]


def test_a_heading_wider_than_its_cells_is_broken_between_words() -> None:
    """Numbers stand to the right."""
    columns = [
        TableColumn("name", ["[red]", "b"]),
        TableColumn("sent again", ["1", "20"], is_number=True),
    ]

    assert lines_of(columns) == ["sent", "name   again", "[red]      1", "b         20"]


@pytest.mark.parametrize("length", [50, 200])
def test_what_is_too_wide_is_turned_on_its_side(length: int) -> None:
    """A line a value; what is wider than a line is folded, and nothing is cut off."""
    text = "x" * length
    columns = [
        TableColumn("a", [text, text]),
        TableColumn("b", [Text(text, "bold"), text]),
        TableColumn("c", ["", ""]),
    ]

    lines = lines_of(columns)

    assert "".join(lines).count("x") == 4 * length
    assert [line for line in lines if not line.endswith("x")] == ["c", "c"]


def test_the_widest_table_has_80_columns() -> None:
    """One character more and it is turned."""
    for length, turned in ((77, False), (78, True)):
        lines = lines_of([TableColumn("a", ["x" * length])])

        assert (lines[0] != "a") is turned
        assert "".join(lines).count("x") == length
