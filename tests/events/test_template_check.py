"""The template check agrees with the exact check, whatever is between records of one template."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.check.exact import judge_record
from events.check.template.check import MANY, match_templates
from events.check.template.template import MOST_VALUES, make_template
from events.contract.registry import BY_NAME, EVENT_TYPES, EventType
from tests.events.checks import check_records
from tests.events.exact_check import assert_same, exact_results, judged_alone

pytestmark = pytest.mark.usefixtures("templates")
THOROUGH = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# What makes JSON what it is, and what breaks it.
CHARS = st.sampled_from([bytes([char]) for char in b'"\\{}[],: \n\t\x000159.-+eEnufTZ\xc3\xa9'])
BETS = BY_NAME["realtime-sports-bet"]
CASINO = BY_NAME["realtime-casino"]


def usual(event_type: EventType, examples: dict[str, bytes]) -> bytes:
    """An example without nested content, which no template has."""
    return re.sub(rb'"bets": ?\[.*\]', b'"bets":null', examples[event_type.name], flags=re.DOTALL)


def one_line(raw: bytes) -> bytes:
    """The same without control characters."""
    return b" ".join(raw.split())


def agree(event_type: EventType, raws: list[bytes]) -> None:
    """Compare with the exact check, record by record."""
    expected = exact_results(judged_alone(raws, lambda raw: judge_record(raw, event_type)))
    assert_same(check_records(event_type, raws), expected)


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
def test_records_of_one_template_are_left_to_no_other_check(
    event_type: EventType, examples: dict[str, bytes]
) -> None:
    """Speed depends on this: no ordinary record is left over."""
    raws = [one_line(usual(event_type, examples))] * MANY

    extracted, left = match_templates({}, event_type, raws)

    assert [fields.positions.tolist() for fields in extracted] == [list(range(MANY))]
    assert left == []
    agree(event_type, raws)


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
@THOROUGH
@given(data=st.data())
def test_a_record_is_judged_by_its_own_bytes(
    event_type: EventType, data: st.DataObject, examples: dict[str, bytes]
) -> None:
    """Bytes changed, lost or added anywhere in some records, which then only look the same."""
    raw = one_line(usual(event_type, examples))
    raws = [raw] * MANY
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(raw)))
        end = at + data.draw(st.integers(0, 2))
        chars = b"".join(data.draw(st.lists(CHARS, max_size=2)))
        raws.insert(data.draw(st.integers(0, len(raws))), raw[:at] + chars + raw[end:])

    agree(event_type, raws)


@THOROUGH
@given(data=st.data())
def test_bytes_moved_to_a_neighbour_are_noticed(
    data: st.DataObject, examples: dict[str, bytes]
) -> None:
    """Two records that are valid only when joined."""
    raw = one_line(examples["realtime-casino"])
    raws = [raw] * MANY
    at, by = data.draw(st.integers(0, MANY - 2)), data.draw(st.integers(1, len(raw) - 1))
    both = raw + raw
    cut = len(raw) + data.draw(st.sampled_from([by, -by]))
    raws[at : at + 2] = [both[:cut], both[cut:]]

    agree(CASINO, raws)


NUMBERS = [
    b"007", b"-07", b"0.", b"5.", b".5", b"-.5", b"-", b"", b"--1", b"1-2", b"1-", b"1.2.3", b"+1",
    b"1e2", b"1E+2", b"0.10", b"-0", b"-0.0", b"00", b"0", b"1 ", b" 1", b"1 2", b"NaN", b"null",
    b"true", b"12345678901234567890", b"123456789012345678901", b"0.123456789012345678",
    b"0.1234567890123456789", b"9" * 39, b"1,2", b"1}", b"{}", b"[1]",
]  # fmt: skip


@pytest.mark.parametrize("many", [1, MANY], ids=["one of many", "all"])
@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_only_json_numbers_are_amounts(
    number: bytes, many: int, examples: dict[str, bytes]
) -> None:
    """No decoder has read them before, so its rules apply here as well."""
    raw = one_line(examples["realtime-casino"])
    odd = re.sub(rb'("amount": ?)[0-9.]+', rb"\g<1>" + number, raw)
    assert odd != raw

    agree(CASINO, [raw] * MANY + [odd] * many)


@pytest.mark.parametrize(
    "change",
    [
        (b'"EUR"', '"Złoty"'.encode()),
        (b'"EUR"', b'""'),
        (b'"EUR"', b'"a text of more than twelve bytes"'),
        (b'"EUR"', b'"E\\u0055R"'),
        (b'"EUR"', b'"\xff"'),
        (b'"bet"', b'"best"'),
        (b'{"event"', b' {"event"'),
        (b'"data":', b'"more":"of this","data":'),
        (b'"data":{', b'"data":{"unknown":"x",'),
        (b'"data":{', b'"data":{"unknown":[1,{"amount":3}],'),
        (b'"data":{', b'"data":{"amount":1,'),
        (b'"data":{', b'"data":{"user_id":"once more",'),
    ],
    ids=repr,
)
def test_other_templates_are_made_or_left(
    change: tuple[bytes, bytes], examples: dict[str, bytes]
) -> None:
    """Many records of each form, in turn: all in order, each with the result it has alone."""
    raw = re.sub(rb" ?([,:{}]) ?", rb"\1", one_line(examples["realtime-casino"]))
    assert change[0] in raw
    raws = [raw, raw.replace(*change, 1)] * MANY

    agree(CASINO, raws)


@pytest.mark.parametrize(
    ("name", "length", "reason"),
    [("game_id", 1 << 20, "item_too_large"), ("unique_id", 2_048, "id_too_long")],
)
def test_an_item_too_long_is_refused_among_valid_ones(
    name: str, length: int, reason: str, examples: dict[str, bytes]
) -> None:
    """However many records match its template."""
    raw = one_line(examples["realtime-casino"])
    before = re.compile(rb'"%b": ?"' % name.encode())
    raws = [raw] * MANY + [before.sub(lambda found: found[0] + b"x" * length, raw)]

    checked = check_records(CASINO, raws)

    assert [(one.position, one.reason) for one in checked.rejected] == [(MANY, reason)]
    assert checked.accepted[0].positions == list(range(MANY))


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
@pytest.mark.parametrize("few", [1, MANY], ids=["one of many", "as many"])
def test_an_empty_id_is_refused_among_valid_ones(
    event_type: EventType, few: int, examples: dict[str, bytes]
) -> None:
    """A template proves no id that tells no two events apart, also if it was made of one."""
    raw = one_line(usual(event_type, examples))
    (name,) = event_type.id_fields
    empty = re.sub(rb'("%b": ?)"[^"]*"' % name.encode(), rb'\1""', raw)
    spaced = re.sub(rb'("%b": ?)"[^"]*"' % name.encode(), rb'\1" "', raw)
    raws = [empty] * few + [raw, spaced] * MANY + [empty] * few

    checked = check_records(event_type, raws)

    assert checked.accepted[0].positions == list(range(few, few + 2 * MANY))
    assert [one.position for one in checked.rejected] == [
        *range(few),
        *range(few + 2 * MANY, 2 * few + 2 * MANY),
    ]
    assert {(one.reason, one.field) for one in checked.rejected} == {("empty_id", f"data.{name}")}
    agree(event_type, raws)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"event":"realtime-casino"}'])
def test_no_template_is_made_of_an_invalid_record(raw: bytes) -> None:
    """Nor of one that lacks all fields."""
    assert make_template(CASINO, raw) is None


def test_no_template_is_made_of_legs(examples: dict[str, bytes]) -> None:
    """Content in lists differs in more than its values."""
    assert make_template(BETS, one_line(examples["realtime-sports-bet"])) is None


def test_no_template_is_made_of_too_many_values(examples: dict[str, bytes]) -> None:
    """A client that sends hundreds of unknown fields must not make every chunk slow."""
    raw = one_line(examples["realtime-casino"])
    more = b",".join(b'"x%d":"y"' % number for number in range(MOST_VALUES))

    assert make_template(CASINO, raw) is not None
    assert make_template(CASINO, re.sub(rb'("data": ?\{)', rb"\1" + more + b",", raw)) is None


def test_whole_items_and_bare_data_have_templates_of_their_own(examples: dict[str, Any]) -> None:
    """A topic's records may be either, and bare data may have a field that is called data."""
    whole = one_line(examples["realtime-casino"])
    bare = re.sub(rb'^\{.*?"data": ?(\{.*\})\s*\}$', rb"\1", whole)

    agree(CASINO, [whole, bare, bare.replace(b"{", b'{"data":{"amount":"7"},', 1)] * MANY)


def test_quotes_alone_make_no_record(examples: dict[str, bytes]) -> None:
    """Not even at the very end, where a literal does not fit."""
    raw = one_line(examples["realtime-casino"])
    delimiters = b"{" + b'"' * raw.count(b'"') + b"}}"

    agree(CASINO, [delimiters, *[raw] * MANY, delimiters])
