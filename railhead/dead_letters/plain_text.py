"""Makes untrusted text harmless on a terminal and in a spreadsheet."""

from __future__ import annotations

from typing import Final

# A spreadsheet takes a cell that begins like this for a formula; a tab or a line end may precede
# it. The first four are the same signs at full width.
_FORMULA_STARTS: Final = tuple("\uff1d\uff0b\uff0d\uff20=+-@\t\r\n")


def visible(text: str, *, most_characters: int | None = None) -> str:
    r"""*text* with everything that is not printable as `\n`, `\x1b` or `\u202e`, cut off if long.

    So no colours, cursor moves or reversed writing reach the terminal.
    """
    kept = text if most_characters is None else text[: most_characters + 1]
    shown = "".join(char if char.isprintable() else _escaped(char) for char in kept)
    if most_characters is not None and len(shown) > most_characters:
        return shown[: max(0, most_characters - 1)] + "…"
    return shown


def _escaped(char: str) -> str:
    """A byte that was not UTF-8 (`surrogateescape`) as that byte, anything else as Python does."""
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def printable_lines(text: str) -> str:
    """The same, except that line ends and tabs stay."""
    return "\n".join(visible(line.replace("\t", "    ")) for line in text.split("\n"))


def csv_cell(value: object) -> str:
    """*value* as a cell that no spreadsheet takes for a formula: with a `'` in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
