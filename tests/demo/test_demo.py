"""`railhead demo` shows the account, and fails when it does not add up."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest
from rich.console import Console

from demo.accounting import Account
from demo.answers import as_table, shown
from demo.printing import curl
from demo.traffic.catalogue import GAMES
from demo.traffic.traffic import ItemOutcome, Tally
from railhead.tables import WIDTH

CONTRACT_URL = "https://consumer.unibo.io"
CASINO: ItemOutcome = ("stored", "realtime-casino")
REPEAT: ItemOutcome = ("repeat", "realtime-casino")
REJECTED: ItemOutcome = ("rejected", "bad_time")


def tally(**counts: int) -> Tally:
    """Return a tally of casino items."""
    keys = {"stored": CASINO, "repeat": REPEAT, "rejected": REJECTED}
    return Tally(Counter({keys[name]: count for name, count in counts.items()}))


def account(before: Tally, after: Tally, *, unsure: int = 0) -> Account:
    """Return the account of ten items: seven new, two repeats, one rejected."""
    return Account(tally(stored=7, repeat=2, rejected=1), before, after, unsure)


def test_account_that_adds_up_has_no_problems() -> None:
    """What was there before is not counted."""
    before = tally(stored=100, repeat=5)
    after = tally(stored=107, repeat=7, rejected=1)

    assert account(before, after).problems() == []


@pytest.mark.parametrize(
    "after",
    [
        tally(stored=6, repeat=2, rejected=1),
        tally(stored=8, repeat=2, rejected=1),
        tally(stored=7, repeat=3, rejected=1),
        tally(stored=7, repeat=2),
        Tally(),
    ],
    ids=["lost row", "row too many", "repeat too many", "lost reject", "nothing"],
)
def test_account_that_does_not_add_up_says_what(after: Tally) -> None:
    """One item more or less of any outcome is a problem."""
    assert account(Tally(), after).problems()


def test_request_without_an_answer_may_have_been_stored() -> None:
    """The retry is then a repeat: up to so many more are correct, but never another row."""
    assert not account(Tally(), tally(stored=7, repeat=5, rejected=1), unsure=3).problems()
    assert account(Tally(), tally(stored=7, repeat=6, rejected=1), unsure=3).problems()
    assert account(Tally(), tally(stored=8, repeat=2, rejected=1), unsure=3).problems()


def test_curl_to_paste_is_the_contracts_own() -> None:
    """Host and key are replaced, and nothing else."""
    page = Path(__file__).parent.joinpath("contract_sample.txt").read_text()

    assert curl(CONTRACT_URL, "YOUR_SECRET_TOKEN") == page.rstrip()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1234567.500000000000000000"), "1,234,567.5"),
        (Decimal("0.000000000000000001"), "0.000000000000000001"),
        (Decimal("100.000000000000000000"), "100"),
        (Decimal(-0), "0"),
        (1000, "1,000"),
        (True, "yes"),
        (None, ""),
    ],
)
def test_numbers_are_shown_exactly(value: object, text: str) -> None:
    """Trailing zeros are dropped; digits stay."""
    assert shown(value) == text


def lines_of(names: list[str], rows: list[list[object]]) -> list[str]:
    """Return the lines of an answer that has some text, without the spaces around it."""
    console = Console(width=WIDTH, file=io.StringIO())
    with console.capture() as printed:
        console.print(as_table(names, rows))
    assert all(len(line) <= WIDTH for line in printed.get().splitlines())
    return [line.strip() for line in printed.get().splitlines() if line.strip(" ─")]


def test_an_answer_has_a_line_a_row() -> None:
    """Amounts of a column that has cents are written with cents, so their points are aligned."""
    rows: list[list[object]] = [["a", Decimal("0.5")], ["b", Decimal(2000)]]

    assert lines_of(["game_id", "ggr"], rows) == [
        "game",
        "id         ggr",
        "a         0.50",
        "b     2,000.00",
    ]


def test_an_answer_wider_than_a_page_is_turned_on_its_side() -> None:
    """A value a line, each with all its digits."""
    digits = Decimal("0.123456789012345678")
    names = ["bets", "wins", "rollbackbets", "rollbackwins"]

    lines = lines_of(names, [[digits] * 4] * 2)

    assert [line.split() for line in lines] == [[name, str(digits)] for name in names] * 2


@pytest.mark.e2e
def test_demo_adds_up_again_and_again_in_one_data_directory(tmp_path: Path) -> None:
    """Exit 0, an account that adds up, tables that fit and numbers to believe; also once more."""
    command = [
        *(sys.executable, "-m", "railhead.cli.main", "demo", "--exit", "--events", "5000"),
        *("--data-dir", str(tmp_path), "--http-port", "0"),
        *("--kafka-port", "0", "--clickhouse-port", "0"),
    ]
    for seed in ("1", "2"):
        done = subprocess.run(
            [*command, "--seed", seed], capture_output=True, text=True, check=False, timeout=240
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "It adds up: 5,000 = " in done.stdout
        assert "--header 'Authorization: Bearer rh_" in done.stdout
        assert "\x1b" not in done.stdout
        tables = done.stdout.partition("A request to paste")[0].splitlines()
        assert not [line for line in tables if len(line) > WIDTH and str(tmp_path) not in line]
        assert_numbers_are_plausible(done.stdout)


def assert_numbers_are_plausible(printed: str) -> None:
    """GGR is bets less wins, both without what was rolled back; games return most of it."""
    revenue = numbers(printed, "Gross gaming revenue", 5)
    returned = numbers(printed, "Return to player", 5)

    assert len(revenue) == 6
    for bets, rollback_bets, wins, rollback_wins, ggr in revenue:
        assert (bets - rollback_bets) - (wins - rollback_wins) == ggr
    assert len(returned) == len(GAMES)
    for _, bets, wins, ggr, percent in returned:
        assert bets - wins == ggr
        assert percent == (100 * wins / bets).quantize(Decimal("0.01"), ROUND_DOWN)
    assert 80 < 100 * sum(row[2] for row in returned) / sum(row[1] for row in returned) < 98


def numbers(printed: str, title: str, count: int) -> list[list[Decimal]]:
    """Return the last *count* columns of each row of a table."""
    table = re.split(r"─+", printed.partition(title)[2], maxsplit=1)[1].split("\n  ", 1)[0]
    rows = [line.split() for line in table.splitlines() if line.split()]
    return [[Decimal(text.replace(",", "")) for text in row[-count:]] for row in rows]
