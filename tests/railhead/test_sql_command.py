"""What `railhead sql` prints."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from railhead.cli.sql import reads, show
from sinks.settings import StoreSettings

LINES: list[list[str | None]] = [
    ["name", "amount"],
    ["String", "Decimal(38, 18)"],
    ["[red]x", "1.50"],
    [None, "20"],
]


def railhead(settings: StoreSettings, *words: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of `railhead sql`."""
    done = subprocess.run(
        [
            sys.executable, "-m", "railhead.cli.main", "sql",
            "--clickhouse-url", str(settings.url), *words,
        ],
        input=stdin, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_table_has_a_line_a_row(settings: StoreSettings) -> None:
    """Names above, numbers to the right, the count below."""
    code, out, _ = railhead(settings, "SELECT 'a' AS name, toDecimal128('1.5', 18) AS amount")

    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert lines[1].split() == ["name", "amount"]
    assert lines[3].split() == ["a", "1.5"]
    assert lines[-1] == "1 row"


def test_a_query_comes_from_standard_input(settings: StoreSettings) -> None:
    """Comments and a semicolon may stand in it."""
    code, out, _ = railhead(settings, "--format", "csv", stdin="-- which\nSELECT 1 AS x;\n")

    assert (code, out) == (0, '"x"\n1\n')


def test_json_keeps_the_digits_of_amounts(settings: StoreSettings) -> None:
    """A decimal is a string there: JSON's readers make floats of numbers."""
    query = "SELECT toDecimal128('0.1234567890123456789', 18) AS x"

    for option in ("--format=json", "--json"):
        assert railhead(settings, option, query)[1] == '{"x":"0.123456789012345678"}\n'


def test_a_format_in_the_query_is_kept(settings: StoreSettings) -> None:
    """A query that names a FORMAT gets it."""
    assert railhead(settings, "SELECT 1 FORMAT TSV")[1] == "1\n"


def test_an_error_is_shown_in_clickhouses_words(settings: StoreSettings) -> None:
    """Without the frame of driver and server, on standard error, with exit code 1."""
    code, out, err = railhead(settings, "SELECT nope FROM fasttrack.login")

    assert (code, out) == (1, "")
    assert err.startswith("railhead sql: Unknown expression identifier `nope`")
    assert "Traceback" not in err
    assert "version" not in err


def test_a_store_that_is_down_is_named() -> None:
    """With its address."""
    code, _, err = railhead(StoreSettings(url="http://127.0.0.1:1"), "SELECT 1")

    assert code == 1
    assert err.startswith("railhead sql: ClickHouse at http://127.0.0.1:1/ (from --clickhouse-url)")
    assert "does not answer" in err


@pytest.mark.parametrize("byte", [b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x80", b"\xf8"])
@pytest.mark.parametrize("piped", [True, False])
def test_a_query_that_is_no_text_is_wrong_use(byte: bytes, *, piped: bool) -> None:
    """As an argument and from standard input, without a traceback."""
    query = b"SELECT '" + byte + b"'"
    done = subprocess.run(
        [sys.executable, "-m", "railhead.cli.main", "sql", *([] if piped else [query])],
        input=query, capture_output=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith(b"railhead sql: the query is not text in UTF-8")


def test_bytes_without_a_name_are_shown(settings: StoreSettings) -> None:
    """The column is called as the expression is."""
    code, out, err = railhead(settings, "SELECT unhex('ff')")

    assert (code, err) == (0, "")
    assert out.splitlines()[3].split() == ["\\xff"]


def test_no_query_is_wrong_use(settings: StoreSettings) -> None:
    """Exit code 2."""
    assert railhead(settings)[0] == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select 1", True),
        ("/* a */ -- b\n WITH 1 AS x SELECT x", True),
        ("(SELECT 1)", True),
        ("DESCRIBE t", True),
        ("SYSTEM FLUSH LOGS", False),
        ("-- SELECT\nDROP TABLE t", False),
    ],
)
def test_only_what_reads_is_given_a_format(query: str, *, expected: bool) -> None:
    """Other statements would not parse with one."""
    assert reads(query) is expected


def printed(*, width: int) -> str:
    """The lines above in a pipe."""
    out = io.StringIO()
    show(LINES, Console(file=out, width=width))
    return out.getvalue()


def test_values_are_text_not_markup() -> None:
    """A value in brackets is a value; null is NULL."""
    assert "[red]x" in printed(width=80)
    assert "NULL" in printed(width=80)


# Colours, cursor moves of C0 and C1, reversed writing, line ends of ASCII and Unicode, a title.
FOREIGN = [
    "a\x1b[31mb", "a\x9b2Jb", "a\u202eb\u2066c", "a\nforged row", "a\r\u2028\u0085b",
    "a\x1b]0;t\x07b", "a\u200bb",
]  # fmt: skip


@pytest.mark.parametrize("value", FOREIGN)
@pytest.mark.parametrize("width", [200, 12])
def test_untrusted_text_cannot_steer_the_terminal(value: str, width: int) -> None:
    """Values and names are escaped, as a table and as one value a line; no row can be forged."""
    out = io.StringIO()
    lines = [[value, "b"], ["String", "String"], [value, "x" * 9]]

    show(lines, Console(file=out, width=width, force_terminal=True, color_system=None))

    rows = out.getvalue().split("\n")
    assert all(char.isprintable() for row in rows for char in row)
    if width == 200:
        assert len(rows) == 7  # a blank, a heading, its rule, one row, a blank, the count, the end


def test_bytes_that_are_not_text_are_shown(settings: StoreSettings) -> None:
    """Escaped in a table; unchanged in a format for programs."""
    query = "SELECT unhex('61FF62C3') AS a, unhex('C28580') AS b"
    code, out, err = railhead(settings, query)

    assert (code, err) == (0, "")
    assert out.splitlines()[3].split() == ["a\\xffb\\xc3", "\\x85\\x80"]
    raw = subprocess.run(
        [sys.executable, "-m", "railhead.cli.main", "sql", "--url", str(settings.url), "--format",
         "csv", "SELECT unhex('61FF62') AS a"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert raw.stdout == b'"a"\n"a\xffb"\n'


def test_an_error_is_as_harmless_as_a_value(settings: StoreSettings) -> None:
    """Its text quotes what was asked."""
    code, _, err = railhead(settings, "SELECT throwIf(1, 'a\x1b[2J\u202e')")

    assert code == 1
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_what_is_wider_than_the_terminal_is_one_value_a_line() -> None:
    """Characters are not stacked in narrow columns."""
    wide = [[f"{name}-{number}" for number in range(9)] for name in ("name", "String", "value")]
    out = io.StringIO()

    show(wide, Console(file=out, width=40, force_terminal=True, color_system=None))

    assert ["name-8", "value-8"] in [line.split() for line in out.getvalue().splitlines()]


def test_a_pipe_is_as_wide_as_the_table() -> None:
    """Nothing is folded on its way to another program."""
    lines = [line.split() for line in printed(width=12).splitlines()]

    assert ["[red]x", "1.50"] in lines
