"""The check agrees with the published schema, and the columnar check with the exact check."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from events.check.check import CHUNK, FEW, check_items
from events.check.columnar import date_times
from events.check.columnar.check import sort_items
from events.check.columnar.texts import MANY, text_array
from events.check.exact import judge_item, judge_record
from events.check.template.check import MANY as MANY_MATCHED
from events.contract.reasons import BY_CODE
from events.contract.registry import BY_NAME, EVENT_TYPES, EventType
from events.values.instants import read_instant
from tests.events.checks import check_records
from tests.events.exact_check import assert_same, exact_results, judged_alone
from tests.events.item_texts import data_texts, item_texts
from tests.events.oracle import ID_FIELDS, has_empty_id, is_published

pytestmark = pytest.mark.usefixtures("templates")
WIDE = Context(prec=200)
THOROUGH = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Reasons reported before the contract is applied, or where the oracle sees no single value.
BEFORE_THE_CONTRACT = {"duplicate_name", "too_deep", "item_too_large", "bad_text"}


def outcome(raw: bytes, **how: Any) -> str:
    """The reason for refusal, or "accepted"."""
    checked = check_items([raw], **how)
    return checked.rejected[0].reason if checked.rejected else "accepted"


@THOROUGH
@given(item_texts())
def test_an_item_is_valid_if_and_only_if_the_published_schema_says_so(raw: bytes) -> None:
    """What is refused although the schema allows it cannot be kept exactly, and says so."""
    answer = outcome(raw)

    if answer in {"accepted", "empty_id"}:
        assert is_published(raw)
        assert has_empty_id(raw) == (answer == "empty_id")
    elif BY_CODE[answer].kind == "contract":
        assert not is_published(raw)
    elif answer not in BEFORE_THE_CONTRACT:
        assert is_published(raw)


@pytest.mark.parametrize("id_", ['""', '" "', '"0"', r'"\u0000"', '"\u200b"', "null", "0", "[]"])
@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
def test_an_id_is_any_text_of_the_published_schema_but_the_empty_one(
    event_type: EventType, id_: str, examples: dict[str, bytes]
) -> None:
    """By each check: the exact one judges one item, the columnar one few, the template many."""
    usual = json.loads(examples[event_type.name])
    usual["data"][ID_FIELDS[event_type.name]] = "ID"
    usual["data"] |= {"bets": None} if "bets" in usual["data"] else {}
    raw = json.dumps(usual).encode().replace(b'"ID"', id_.encode())
    expected = {False: "wrong_type", True: "empty_id" if id_ == '""' else "accepted"}

    for company in (0, 2 * FEW, 2 * MANY_MATCHED):
        raws = [json.dumps(usual).encode()] * company + [raw]
        for checked in (check_items(raws), check_records(event_type, raws)):
            reasons = [one.reason for one in checked.rejected] or ["accepted"]
            assert reasons == [expected[is_published(raw)]]


@THOROUGH
@given(st.lists(item_texts(), max_size=6))
def test_the_columnar_check_agrees_with_the_exact_check(raws: list[bytes]) -> None:
    """Same items accepted, with the same columns, ids and hashes, whatever their neighbours are."""
    assert_same(check_items(raws), exact_results(judged_alone(raws, judge_item)))


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
@settings(THOROUGH, max_examples=20)
@given(data=st.data())
def test_both_checks_agree_on_whole_and_bare_records(event_type: Any, data: st.DataObject) -> None:
    """A topic's records may be whole items or bare data, in any mixture."""
    texts = st.one_of(item_texts(event_type.name), data_texts(event_type.name), item_texts())
    raws = data.draw(st.lists(texts, max_size=6))

    checked = check_records(event_type, raws)

    expected = exact_results(judged_alone(raws, lambda raw: judge_record(raw, event_type)))
    assert_same(checked, expected)
    assert sorted(
        [at for one in checked.accepted for at in one.positions]
        + [one.position for one in checked.rejected]
    ) == list(range(len(raws)))


@THOROUGH
@given(st.lists(item_texts(), max_size=5), st.integers(0, 4), item_texts())
def test_neighbours_do_not_matter(raws: list[bytes], at: int, odd: bytes) -> None:
    """An item gets the same outcome, columns and hash alone and among others."""
    together = check_items([*raws[:at], odd, *raws[at:]])
    alone = check_items([odd])

    position = min(at, len(raws))
    if alone.rejected:
        (found,) = [one for one in together.rejected if one.position == position]
        assert (found.reason, found.message) == (
            alone.rejected[0].reason,
            alone.rejected[0].message,
        )
    else:
        (kind,) = [one for one in together.accepted if position in one.positions]
        index = kind.positions.index(position)
        assert kind.fingerprints()[index] == alone.accepted[0].fingerprints()[0]


AMOUNT = (
    b'{"event":"realtime-casino","data":{"unique_id":"1","user_id":"2","timestamp":'
    b'"2025-01-15T12:00:00Z","game_id":"3","round_id":"4","type":"bet","amount":%b,'
    b'"currency":"EUR","bonus_wager_amount":0}}'
)


@settings(THOROUGH, max_examples=200)
@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,21})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z"))
def test_amounts_are_stored_to_the_eighteenth_place_or_refused(text: str) -> None:
    """An amount is stored equal to what was written, rounded half to even at the 18th place."""
    checked = check_items([AMOUNT % text.encode()] * 2)

    stored = Decimal(text).quantize(Decimal(1).scaleb(-18), ROUND_HALF_EVEN, WIDE)
    fits = abs(stored) < Decimal(10) ** 20
    assert bool(checked.accepted) == fits
    if fits:
        (one,) = checked.accepted
        assert one.columns()["amount"].to_pylist() == [stored] * 2
        assert len(one.adjusted) == (2 if stored != Decimal(text) else 0)


@THOROUGH
@given(st.lists(st.sampled_from(EVENT_TYPES), min_size=1, max_size=3), st.binary(max_size=60))
def test_any_bytes_are_rejected_with_a_listed_reason(types: list[Any], raw: bytes) -> None:
    """No bytes make the check raise, and each refusal names a known reason."""
    for checked in (
        check_items([raw]),
        *(check_records(one, [raw, None]) for one in types),
    ):
        assert {one.reason for one in checked.rejected} <= BY_CODE.keys()


@THOROUGH
@given(st.lists(item_texts(), max_size=4), st.data())
def test_both_checks_agree_on_numbers_taken_for_ids(raws: list[bytes], data: st.DataObject) -> None:
    """Same items, same columns, and the very same rewritten text."""
    unquote = re.compile(rb'("(?:user_id|unique_id|currency|market|game_id|type)" ?: ?)"[^"\\]*"')
    number = data.draw(st.sampled_from([b"7", b"-1.50", b"1e2", b"01", b"1.", b"-"]))
    raws = [
        unquote.sub(rb"\g<1>" + number, raw, count=data.draw(st.integers(1, 3))) for raw in raws
    ]

    checked = check_items(raws, coerce_ids=True)

    judged = judged_alone(raws, lambda raw: judge_item(raw, coerce_ids=True))
    assert_same(checked, exact_results(judged))
    rewritten = {at: text for one in checked.accepted for at, text in one.rewritten.items()}
    assert rewritten == {at: valid.rewritten for at, valid in judged if valid.rewritten}


def test_usual_items_never_need_the_exact_check(examples: dict[str, bytes]) -> None:
    """Speed depends on this: no ordinary item is left over."""
    _, left = sort_items(list(examples.values()) * 3)

    assert left == []


def test_columns_have_the_promised_types(examples: dict[str, bytes]) -> None:
    """Amounts are decimals of 38 digits, times nanoseconds in UTC, nested content is text."""
    (bet,) = check_items([examples["realtime-sports-bet"]]).accepted

    types = {name: array.type for name, array in bet.columns().items()}
    assert list(types) == list(BY_NAME["realtime-sports-bet"].model.model_fields)
    assert types["amount"] == pa.decimal128(38, 18)
    assert types["timestamp"] == pa.timestamp("ns", "UTC")
    assert types["is_cashout"] == pa.bool_()
    assert types["bets"] == types["user_id"] == pa.string()


def login(timestamp: str) -> bytes:
    """The data of a login at *timestamp*."""
    return b'{"unique_id":"1","user_id":"2","timestamp":"%b"}' % timestamp.encode()


def instant_or_none(text: str) -> int | None:
    """What the exact reader makes of a date-time."""
    try:
        return read_instant(text)
    except PydanticCustomError:
        return None


@pytest.mark.parametrize(
    "form",
    [
        "20{:02}-01-15T12:00:00Z",
        "{:02}24-01-15T12:00:00Z",
        "2025-{:02}-15T12:00:00.5Z",
        "2025-01-{:02}T12:00:00Z",
        "2024-02-{:02}T12:00:00Z",
        "2100-02-{:02}T12:00:00Z",
        "2025-04-{:02}T12:00:00+01:00",
        "2025-01-15T{:02}:00:00.123456789Z",
        "2025-01-15T12:{:02}:00-23:59",
        "2025-01-15T12:00:{:02}Z",
        "2025-01-15T12:00:00.{:02}Z",
        "2025-01-15T12:00:00+{:02}:00",
        "2025-01-15T12:00:00-01:{:02}",
        "1901-01-01T00:00:00+{:02}:59",
        "2261-12-31T23:59:59.999999999-{:02}:59",
    ],
)
def test_times_of_the_usual_form_are_those_the_exact_reader_takes(form: str) -> None:
    """In columns, the same days, hours and offsets are valid as one by one."""
    logins = BY_NAME["realtime-login"]
    for number in range(100):
        text = form.format(number)
        checked = check_records(logins, [login("2025-01-15T12:00:00Z"), login(text)])

        taken = [
            one.columns()["timestamp"].cast(pa.int64()).to_pylist() for one in checked.accepted
        ]
        expected = instant_or_none(text)
        assert taken[0][1:] == ([] if expected is None else [expected])


@THOROUGH
@given(
    st.lists(
        st.from_regex(
            r"\A(2025|1900|2262)-0[1-3]-[012][0-9][T, ][012][0-9]:00:[0-6]0"
            r"(\.[0-9]{0,10})?(Z|z|[+,-]0[0-9]:?00|)\Z"
        ),
        max_size=4,
    )
)
def test_times_are_read_the_same_in_company(texts: list[str]) -> None:
    """Whatever the lengths and the zones of a column's texts, few or many."""
    texts *= date_times.MANY
    checked = check_records(BY_NAME["realtime-login"], [login(text) for text in texts])

    expected = [instant for text in texts if (instant := instant_or_none(text)) is not None]
    taken = [one.columns()["timestamp"].cast(pa.int64()).to_pylist() for one in checked.accepted]
    assert taken == ([expected] if expected else [])


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda row: row.name)
@settings(THOROUGH, max_examples=5)
@given(data=st.data())
def test_a_large_chunk_is_judged_as_its_records_are(
    event_type: Any, data: st.DataObject, examples: dict[str, bytes]
) -> None:
    """Thousands at once give the same result as a few at a time."""
    texts = st.one_of(item_texts(event_type.name), data_texts(event_type.name))
    odd = data.draw(st.lists(texts, min_size=1, max_size=3))
    usual = [raw for raw in odd if check_records(event_type, [raw]).accepted]
    raws = [*(usual or [examples[event_type.name]]) * (CHUNK // 2), *odd, *odd]
    raws = [*raws, *raws]

    whole = check_records(event_type, raws)

    by_text = {raw: check_records(event_type, [raw]) for raw in set(raws)}
    taken = [at for at, raw in enumerate(raws) if by_text[raw].accepted]
    (one,) = whole.accepted
    assert one.positions == taken
    assert [(no.position, no.message) for no in whole.rejected] == [
        (at, no.message) for at, raw in enumerate(raws) for no in by_text[raw].rejected
    ]
    alone = {raw: by_text[raw].accepted[0] for raw in {raws[at] for at in taken}}
    order = list(alone)
    numbers = np.array([order.index(raws[at]) for at in taken])
    assert one.ids == [alone[raws[at]].ids[0] for at in taken]
    firsts = np.array([kind.fingerprints()[0] for kind in alone.values()], np.uint64)
    assert np.array_equal(one.fingerprints(), firsts[numbers])
    for name, column in one.columns().items():
        few = pa.concat_arrays([kind.columns()[name] for kind in alone.values()])
        assert column == few.take(pa.array(numbers))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), min_size=1))
def test_hundreds_of_texts_are_unchanged(some: list[str]) -> None:
    """Whatever characters they hold, the separator too."""
    values = [*some, "", "\0", "é"] * MANY

    for texts in (values, [text.replace("\0", "") for text in values]):
        assert text_array(texts) == pa.array(texts, pa.string())
