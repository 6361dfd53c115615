"""Is free content the same when it says the same, however it is written? One rule a test."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_texts import numbers

from events.canonical import INTEGER_DIGITS, canonical
from events.jsontext import JsonNumber, read_json

SEVENS = "7" * (INTEGER_DIGITS + 1)
ZEROS = "0" * INTEGER_DIGITS


def exact(text: str) -> Any:
    """The value of a JSON text, each number as the decimal it means."""

    def plain(value: Any) -> Any:
        if isinstance(value, JsonNumber):
            return ("number", Decimal(value.text))
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return value if value is None or isinstance(value, str) else ("flag", value)

    return plain(read_json(text.encode())[1])


@given(
    st.recursive(
        st.one_of(
            numbers(),
            st.sampled_from(["1", "1.0", "10e-1", "true", "null", '"1"', "-0", "0", SEVENS]),
            st.sampled_from([SEVENS + ".0", "1" + ZEROS, "1e40", "0." + SEVENS, "1e39"]),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2).map(lambda parts: f"[{','.join(parts)}]"),
            st.tuples(inner, inner).map(lambda two: f'{{"a":{two[0]}, "b":{two[1]}}}'),
            st.tuples(inner, inner).map(lambda two: f'{{"b":{two[0]},"\\u0061":{two[1]}}}'),
        ),
        max_leaves=4,
    ).flatmap(lambda text: st.tuples(st.just(text), st.sampled_from([text, f" {text}", "1.00"])))
)
def test_it_is_json_that_says_the_same(texts: tuple[str, str]) -> None:
    """What is written can be written again without a change, and equals what says the same."""
    one, other = texts

    assert canonical(canonical(one.encode())) == canonical(one.encode())
    assert (canonical(one.encode()) == canonical(other.encode())) == (exact(one) == exact(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("100", "1e2"),
        ("0.5", "5e-1"),
        ("-0", "0.00"),
        (SEVENS, f"{SEVENS}.0"),
        (f"1{ZEROS}", "1e40"),
        (f"[1, {SEVENS}]", f"[1.0, {SEVENS}]"),
        (f'[-{"7" * INTEGER_DIGITS}, "{SEVENS}"]', f'[-{"7" * INTEGER_DIGITS}.0, "{SEVENS}"]'),
        ('{"a": 1, "b": 2}', '{"b": 2, "\\u0061": 1}'),
    ],
)
def test_one_number_is_written_one_way(one: str, other: str) -> None:
    """Whatever its spelling, and whatever stands beside it."""
    assert canonical(one.encode()) == canonical(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", '"1"'),
        ("0.5", '"0.5"'),
        ("1", "true"),
        ("1e400", "1e401"),
        (SEVENS, f"{SEVENS[:-1]}8"),
        ("9007199254740993", "9007199254740992"),
        ("0.1", "0.1000000000000000055511151231257827"),
    ],
)
def test_other_content_is_written_otherwise(one: str, other: str) -> None:
    """No digit is lost, and no number is a text."""
    assert canonical(one.encode()) != canonical(other.encode())


def test_what_is_written_is_json() -> None:
    """A reader of logs may read it."""
    assert json.loads(canonical(b'[{"a":0.50}, 1e2]')) == [{"a": {"number": "5e-1"}}, 100]
