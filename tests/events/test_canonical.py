"""Free content with the same meaning is written the same. One rule a test."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.check.check import FEW
from events.check.template.check import MANY
from events.contract.registry import BY_NAME
from events.values.amounts import JsonNumber
from events.values.canonical import INTEGER_DIGITS, canonical
from events.values.json_text import read_json
from tests.events.checks import check_records
from tests.events.item_texts import numbers

pytestmark = pytest.mark.usefixtures("templates")
SEVENS = "7" * (INTEGER_DIGITS + 1)
ZEROS = "0" * INTEGER_DIGITS
NAMES = st.sampled_from(["number", "\\u006eumber", "number*", "number**", "numbers"])


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
            st.sampled_from(['"15e-1"', "1.5", '"5e-1"', '"1e40"']),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2).map(lambda parts: f"[{','.join(parts)}]"),
            st.tuples(inner, inner).map(lambda two: f'{{"a":{two[0]}, "b":{two[1]}}}'),
            st.tuples(inner, inner).map(lambda two: f'{{"b":{two[0]},"\\u0061":{two[1]}}}'),
            st.tuples(NAMES, inner).map(lambda pair: f'{{"{pair[0]}":{pair[1]}}}'),
        ),
        max_leaves=4,
    ).flatmap(lambda text: st.tuples(st.just(text), st.sampled_from([text, f" {text}", "1.00"])))
)
def test_equal_content_is_written_the_same(texts: tuple[str, str]) -> None:
    """The canonical text is the same if and only if the content means the same."""
    one, other = texts

    json.loads(canonical(one.encode()))
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
    """Whatever its spelling, and whatever is next to it."""
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
def test_other_content_is_written_differently(one: str, other: str) -> None:
    """No digit is lost, and no number is a text."""
    assert canonical(one.encode()) != canonical(other.encode())


LIKE_NUMBERS = [
    # content, what it must not be taken for
    ('{"number":"15e-1"}', "1.5"),
    ('{"number":"15e-1"}', "15e-1"),
    ('{ "\\u006eumber" : "15\\u0065-1" }', "1.50"),
    ('{"n\\u0075mber":"15e-1"}', "1.5"),
    ('{"numbe\\u0072*":"15e-1"}', '{"number":"15e-1"}'),
    ('{"nu\\u006Dber":"15e-1"}', "1.5"),
    ('{"number":"1e40"}', "1" + ZEROS),
    ('{"number":"-1e999"}', "-1e999"),
    (f'{{"number":"{SEVENS}e0"}}', SEVENS),
    (f'[{{"number":"{SEVENS}e0"}}, {SEVENS}]', f"[{SEVENS}, {SEVENS}]"),
    ('{"a":{"number":"15e-1"}}', '{"a":1.5}'),
    ('[1.5,{"number":"15e-1"}]', "[1.5,1.5]"),
    ('{"a":[[{"b":{"number":"15e-1"}}]]}', '{"a":[[{"b":1.5}]]}'),
    ('{"number":{"number":"15e-1"}}', '{"number":1.5}'),
    ('{"number*":"15e-1"}', "1.5"),
    ('{"number*":"15e-1"}', '{"number":"15e-1"}'),
    ('{"number**":"15e-1"}', '{"number*":"15e-1"}'),
    ('{"number\\u002a":"15e-1"}', '{"number":"15e-1"}'),
    ('{"number":"15e-1","a":1}', "1.5"),
    ('{"number":"15e-1","number*":"15e-1"}', '{"number":"15e-1"}'),
    ('{"number":["15e-1"]}', "[1.5]"),
    ('{"number":"15E-1"}', "15E-1"),
]


@pytest.mark.parametrize("framed", ["{}", "[{}]", '{{"k":{}}}', '[{{"k":[{}]}}]'])
@pytest.mark.parametrize(("one", "other"), LIKE_NUMBERS)
def test_an_object_is_never_taken_for_a_number(one: str, other: str, framed: str) -> None:
    """Whatever its name and its position; nor for another such object."""
    assert exact(one) != exact(other)
    assert canonical(framed.format(one).encode()) != canonical(framed.format(other).encode())


ORDINARY = [
    '{"a":"15e-1","number":"15e-1"}', '{"number":"12"}', '{"number":12}', '{"number":null}',
    '{"number":"ten"}', '{"numbers":"15e-1"}', '{"a":"number"}', '{"number":{"a":"15e-1"}}',
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_other_objects_are_written_as_they_are(text: str) -> None:
    """Their hashes are stored, and do not change."""
    assert canonical(text.encode()) == text.encode()


BET = BY_NAME["realtime-sports-bet"]


def bets_of(examples: dict[str, bytes], content: str, field: str) -> dict[str, Any]:
    """The fingerprint of a bet with *content* in one of its legs, by each check."""
    data = json.loads(examples[BET.name])["data"]
    data["bets"][0][field] = "HERE"
    text = json.dumps(data).replace('"HERE"', content)
    alone = text[:-1] + ',"unknown":"\\ud800"}'
    ways = {"exact": [alone], "columnar": [text] * (FEW + 1), "template": [text] * MANY}
    return {
        name: set(
            check_records(BET, [one.encode() for one in raws]).accepted[0].fingerprints().tolist()
        )
        for name, raws in ways.items()
    }


@pytest.mark.parametrize(
    ("field", "framed"), [("meta", '{{"k":{}}}'), ("meta", '{{"number":{}}}'), ("outcomes", "[{}]")]
)
@pytest.mark.parametrize("content", ['{"number":"15e-1"}', '{"number*":"15e-1"}', '{"a":1.5}'])
def test_each_check_distinguishes_such_objects_in_legs(
    content: str, field: str, framed: str, examples: dict[str, bytes]
) -> None:
    """A bet that comes again with another content is a conflict, never a repeat."""
    known = '{"number":1.5}' if field == "outcomes" else "1.5"
    one = bets_of(examples, framed.format(content), field)
    other = bets_of(examples, framed.format(known), field)

    assert len(set.union(*one.values())) == len(set.union(*other.values())) == 1
    assert one["exact"] != other["exact"]


def test_what_is_written_is_json() -> None:
    """Any reader of JSON can read it."""
    assert json.loads(canonical(b'[{"a":0.50}, 1e2]')) == [{"a": {"number": "5e-1"}}, 100]
