"""`railhead demo` shows the account, and fails when it does not add up."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from demo.accounting import Account
from demo.answers import shown
from demo.printing import curl
from demo.traffic.traffic import ItemOutcome, Tally

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


@pytest.mark.e2e
def test_demo_adds_up_again_and_again_in_one_data_directory(tmp_path: Path) -> None:
    """Exit 0, an account that adds up, and tables; so does a second evening."""
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
        assert "Gross gaming revenue" in done.stdout
        assert "--header 'Authorization: Bearer rh_" in done.stdout
