"""Values that are not stored exactly as sent, by each of the three checks, and their counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.check.check import FEW, check_items
from events.check.columnar.check import sort_records
from events.check.exact import judge_record
from events.check.result import CheckedType
from events.check.template.check import MANY, match_templates
from events.contract.adjustments import Adjustment
from events.contract.fields import FieldKind, fields_of
from events.contract.models import Leg
from events.contract.registry import BY_NAME, EVENT_TYPES
from tests.events.checks import check_records
from tests.events.item_texts import COMPUTED

pytestmark = pytest.mark.usefixtures("templates")
PAYMENT = BY_NAME["realtime-payment"]
BET = BY_NAME["realtime-sports-bet"]
ROUNDED, CUT, UNSET = Adjustment.AMOUNT_ROUNDED, Adjustment.TIME_CUT, Adjustment.TIME_UNSET
THOROUGH = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WIDE = Context(prec=2_000)


def payment(**changed: str) -> bytes:
    """A payment's data, some fields given as JSON text."""
    fields = {
        "payment_id": '"p-1"',
        "user_id": '"686"',
        "timestamp": '"2025-01-15T12:00:00Z"',
        "type": '"credit"',
        "status": '"approved"',
        "amount": "100",
        "currency": '"EUR"',
        "vendor_name": '"card"',
    } | changed
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()


def bet(leg: str, **changed: str) -> bytes:
    """A bet's data of one leg, given as JSON text."""
    fields = {
        "activity_id": '"b-1"',
        "activity_id_reference": '""',
        "user_id": '"686"',
        "timestamp": '"2025-01-15T12:00:00Z"',
        "amount": "1",
        "bet_type": '"Single"',
        "bonus_wager_amount": "0",
        "currency": '"EUR"',
        "status": '"s"',
        "type": '"t"',
        "bets": "[" + leg + "]",
    } | changed
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()


def exactly(raw: bytes) -> bytes:
    """The same, with an unknown half character, which only the exact check reads."""
    return raw[:-1] + b',"unknown":"\\ud800"}'


def by_exact_check(raw: bytes) -> CheckedType:
    """The item as the exact check reads it."""
    _, left = sort_records(PAYMENT, [exactly(raw)])
    assert left == [0]
    return check_records(PAYMENT, [exactly(raw)]).accepted[0]


def by_columns(raw: bytes) -> CheckedType:
    """The item as the columnar check reads it."""
    _, left = sort_records(PAYMENT, [raw])
    assert left == []
    return check_records(PAYMENT, [raw]).accepted[0]


def by_template(raw: bytes) -> CheckedType:
    """The item as the template check reads it."""
    _, left = match_templates({}, PAYMENT, [raw] * MANY)
    assert list(left) == []
    return check_records(PAYMENT, [raw] * MANY).accepted[0]


CHECKS: dict[str, Callable[[bytes], CheckedType]] = {
    "exact": by_exact_check,
    "columnar": by_columns,
    "template": by_template,
}


def counted(checked: CheckedType) -> Counter[Adjustment]:
    """What was adjusted in the first of the items, which are all the same."""
    tally = Counter(checked.adjusted)
    assert {position for position, _ in tally} <= set(checked.positions)
    assert len(tally) == len(checked) * len({one for _, one in tally})
    return Counter({one: number for (at, one), number in tally.items() if at == 0})


AMOUNTS = [
    # text, what is stored, whether digits were rounded away
    ("0.0035999999999999995", "0.0036", True),
    ("0.1", "0.1", False),
    ("0.30000000000000004", "0.30000000000000004", False),
    ("0.1234567890123456785", "0.123456789012345678", True),
    ("0.1234567890123456775", "0.123456789012345678", True),
    ("0.12345678901234567850000001", "0.123456789012345679", True),
    ("0.1234567890123456784999999", "0.123456789012345678", True),
    ("0.1234567890123456780000000", "0.123456789012345678", False),
    ("-0.1234567890123456775", "-0.123456789012345678", True),
    ("-0.1234567890123456785", "-0.123456789012345678", True),
    ("1e-25", "0", True),
    ("-1e-25", "0", True),
    ("5e-19", "0", True),
    ("5.0e-19", "0", True),
    ("5.000000000000000000000001e-19", "1e-18", True),
    ("15e-19", "2e-18", True),
    ("25e-19", "2e-18", True),
    ("1.5e-19", "0", True),
    ("9.99e-19", "1e-18", True),
    ("0.9999999999999999999", "1", True),
    ("0.9999999999999999994", "0.999999999999999999", True),
    ("12345678901234567890.9999999999999999995", "12345678901234567891", True),
    ("99999999999999999999.9999999999999999994", "99999999999999999999.999999999999999999", True),
    ("0e21", "0", False),
    ("-0.0e-99", "0", False),
    ("0.00000000000000000000000000", "0", False),
    ("1e-99999999999999999999", "0", True),
    ("5e-324", "0", True),
    ("2.2250738585072014e-308", "0", True),
    ("0." + "3" * 5_000, "0." + "3" * 18, True),
    ("0." + "6" * 5_000, "0." + "6" * 17 + "7", True),
    ("1" + "0" * 400 + "e-400", "1", False),
    ("1" + "0" * 400 + "1e-400", "10", True),
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("text", "stored", "rounded"), AMOUNTS, ids=lambda value: str(value)[:44])
def test_an_amount_is_rounded_half_to_even_at_the_eighteenth_place(
    check: str,
    text: str,
    stored: str,
    rounded: bool,  # noqa: FBT001
) -> None:
    """By each check, and counted; the fingerprint is of the stored value."""
    made = CHECKS[check](payment(amount=text))

    assert made.columns()["amount"].to_pylist()[0] == Decimal(stored)
    assert counted(made) == (Counter({ROUNDED: 1}) if rounded else Counter())
    plain = by_columns(payment(amount=format(Decimal(stored), "f")))
    assert made.fingerprints()[0] == plain.fingerprints()[0]
    assert counted(plain) == Counter()


@pytest.mark.parametrize("text", ["1e20", "99999999999999999999.9999999999999999995", "-1e400"])
@pytest.mark.parametrize("many", [1, FEW + 1, MANY])
def test_more_than_twenty_digits_before_the_point_are_refused(text: str, many: int) -> None:
    """Also if it is rounding that makes the twenty-first."""
    checked = check_records(PAYMENT, [payment(amount=text)] * many)

    assert [one.reason for one in checked.rejected] == ["number_out_of_range"] * many


CUTS = [
    ("2025-01-15T12:00:00.1234567899Z", "2025-01-15T12:00:00.123456789Z", True),
    ("2025-01-15T12:00:00.1234567890Z", "2025-01-15T12:00:00.123456789Z", False),
    ("2025-01-15T12:00:00.9999999999999+01:00", "2025-01-15T11:00:00.999999999Z", True),
    ("1969-12-31T23:59:59.9999999999Z", "1969-12-31T23:59:59.999999999Z", True),
    ("2262-04-10T23:59:59.9999999999Z", "2262-04-10T23:59:59.999999999Z", True),
    ("1900-01-01T00:00:00.0000000001Z", "1900-01-01T00:00:00Z", True),
    ("2025-01-15T12:00:00." + "0" * 3_000 + "1Z", "2025-01-15T12:00:00Z", True),
    ("2025-01-15t12:00:00.000000z", "2025-01-15T12:00:00Z", False),
]


@pytest.mark.parametrize("field", ["timestamp", "entry_timestamp"])
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("text", "stored", "cut"), CUTS, ids=lambda value: str(value)[:44])
def test_digits_beyond_the_nanosecond_are_cut(
    check: str,
    field: str,
    text: str,
    stored: str,
    cut: bool,  # noqa: FBT001
) -> None:
    """In a required time and in an optional one."""
    made = CHECKS[check](payment(**{field: json.dumps(text)}))

    plain = by_columns(payment(**{field: json.dumps(stored)}))
    assert nanoseconds(made, field)[0] == nanoseconds(plain, field)[0]
    assert counted(made) == (Counter({CUT: 1}) if cut else Counter())
    assert made.fingerprints()[0] == plain.fingerprints()[0]


NOT_SET = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.0000000+00:00",
    "0001-01-01T00:00:00+23:59",
    "0000-01-01T00:00:00Z",
    "0000-02-29T00:00:00Z",
    "1899-12-30T00:00:00Z",
    "1899-12-31T23:59:59.9999999999Z",
    "1900-01-01T00:00:00+00:01",
    "1753-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31t23:59:59z",
    "2262-04-11T00:00:00Z",
    "2262-04-10T23:59:59-00:01",
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", NOT_SET)
def test_an_optional_time_out_of_range_is_null(check: str, text: str) -> None:
    """Clients write "not set" that way; it means the same as no time at all."""
    raw = payment(entry_timestamp=f'"{text}"', process_timestamp=f'"{text}"')
    made = CHECKS[check](raw)

    assert nanoseconds(made, "entry_timestamp")[0] is None
    assert nanoseconds(made, "process_timestamp")[0] is None
    assert counted(made) == Counter({UNSET: 2})
    assert made.fingerprints()[0] == by_columns(payment()).fingerprints()[0]


@pytest.mark.parametrize("text", NOT_SET)
@pytest.mark.parametrize("many", [1, FEW + 1, MANY])
def test_a_required_time_out_of_range_is_refused(text: str, many: int) -> None:
    """An event without its time is no event."""
    checked = check_records(PAYMENT, [payment(timestamp=f'"{text}"')] * many)

    assert [(one.reason, one.field) for one in checked.rejected] == [
        ("time_out_of_range", "data.timestamp")
    ] * many


@pytest.mark.parametrize("row", EVENT_TYPES, ids=lambda row: row.name)
def test_every_time_that_may_be_absent_may_be_out_of_range(row: Any) -> None:
    """In every new event type too; no other time may."""
    fields = [*fields_of(row.model), *fields_of(Leg)]
    times = [field for field in fields if field.kind is FieldKind.INSTANT]

    assert [field.null_outside for field in times] == [not field.required for field in times]
    assert not [one for one in fields if one.null_outside and one.kind is not FieldKind.INSTANT]


def nanoseconds(checked: CheckedType, field: str) -> list[int | None]:
    """The times of a column."""
    values: list[int | None] = checked.columns()[field].cast(pa.int64()).to_pylist()
    return values


START = '"2025-01-15T20:45:00Z"'
LEGS = [
    # odds and start of a match as they are sent, what is stored, and what was adjusted
    (("1.8500000000000000001", START), ("1.85", START), [ROUNDED]),
    (("0e21", '"0001-01-01T00:00:00Z"'), ("0", "null"), [UNSET]),
    (("1e-25", "null"), ("0", "null"), [ROUNDED]),
    (("18500000000000000000005e-22", '"9999-12-31T00:00:00Z"'), ("1.85", "null"), [ROUNDED, UNSET]),
    (("2", '"2025-01-15T20:45:00.0000000009Z"'), ("2", START), [CUT]),
]


@pytest.mark.parametrize("wrap", [lambda raw: raw, exactly], ids=["columnar", "exact"])
@pytest.mark.parametrize(("sent", "stored", "adjusted"), LEGS)
def test_legs_are_read_by_the_same_rules(
    wrap: Callable[[bytes], bytes],
    sent: tuple[str, str],
    stored: tuple[str, str],
    adjusted: list[Adjustment],
) -> None:
    """Their adjustments are their bet's, and so are those of its own odds."""
    (made,), (same,) = (
        check_records(BET, [one]).accepted for one in (wrap(slip(*sent)), slip(*stored))
    )

    assert made.fingerprints()[0] == same.fingerprints()[0]
    assert counted(made) == Counter(adjusted + [ROUNDED] * 2 * (ROUNDED in adjusted))
    assert made.columns()["odds"].to_pylist() == [Decimal(stored[0])]
    assert counted(same) == Counter()


def slip(odds: str, match_start: str) -> bytes:
    """A bet of two legs; the first and the bet itself have these *odds*."""
    leg = '{"tournament_name":"T","sports_name":"S","odds":%s,"match_start":%s}'
    legs = [leg % (odds, match_start), leg % ("1", "null")]
    return bet(",".join(legs), odds=odds, total_odds=odds)


@THOROUGH
@given(st.lists(COMPUTED, min_size=1, max_size=4), st.integers(0, 2))
def test_computed_doubles_are_stored_the_same_by_each_check(
    texts: Sequence[str], many: int
) -> None:
    """Whatever a program prints that calculates with doubles, alone and among others."""
    texts = list(texts) * (1, FEW, MANY)[many]
    fitting = {text: stored_amount(text) for text in texts}
    raws = [payment(amount=text) for text in texts]

    for checked in (
        check_records(PAYMENT, raws),
        check_records(PAYMENT, [exactly(raw) for raw in raws]),
        check_items([b'{"event":"realtime-payment","data":' + raw + b"}" for raw in raws]),
    ):
        expected = {at: fitting[text] for at, text in enumerate(texts)}
        kept = {at: one for at, one in expected.items() if one is not None}
        assert len(checked.accepted) <= 1
        assert sorted(one.position for one in checked.rejected) == sorted(expected.keys() - kept)
        for made in checked.accepted:
            assert made.columns()["amount"].to_pylist() == list(kept.values())
            noisy = [at for at, one in kept.items() if one != Decimal(texts[at])]
            assert sorted(made.adjusted) == [(at, ROUNDED) for at in noisy]


def stored_amount(text: str) -> Decimal | None:
    """What is stored of an amount by the rule, computed in another way; None if it is refused."""
    with localcontext(WIDE):
        stored = Decimal(text).quantize(Decimal("1e-18"), ROUND_HALF_EVEN)
        return stored if abs(stored) < Decimal(10) ** 20 else None


@THOROUGH
@given(data=st.data())
def test_an_adjustment_is_noted_at_its_position(data: st.DataObject) -> None:
    """Positions are those of the records, whichever check each of them takes."""
    kinds = {
        "plain": (payment(), []),
        "spaced": (payment().replace(b":", b" : "), []),
        "rounded": (payment(amount="0.1234567890123456789"), [ROUNDED]),
        "unset": (payment(entry_timestamp='"0001-01-01T00:00:00Z"'), [UNSET]),
        "set": (payment(entry_timestamp='"2025-01-15T12:00:00Z"'), []),
        "cut": (payment(timestamp='"2025-01-15T12:00:00.1234567891Z"'), [CUT]),
        "exact": (exactly(payment(amount="1e-30", base_amount="1e-30")), [ROUNDED, ROUNDED]),
        "refused": (payment(amount="1e20", base_amount="1e-30"), []),
    }
    names = data.draw(st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=12))
    names *= data.draw(st.sampled_from([1, MANY]))

    checked = check_records(PAYMENT, [kinds[name][0] for name in names])

    found = sorted(pair for one in checked.accepted for pair in one.adjusted)
    assert found == sorted((at, one) for at, name in enumerate(names) for one in kinds[name][1])


def test_an_item_whose_ids_were_numbers_is_counted_once() -> None:
    """It is checked twice, as it was sent and with its quotes set."""
    raw = b'{"event":"realtime-payment","data":' + payment(amount="1e-25", user_id="686") + b"}"

    for raws in ([raw], [raw] * (FEW + 1)):
        (made,) = check_items(raws, coerce_ids=True).accepted
        assert sorted(made.adjusted) == [(at, ROUNDED) for at in range(len(raws))]


def test_the_exact_check_says_what_it_adjusted() -> None:
    """In the order of the fields; a repeat of a value is another value."""
    valid = judge_record(payment(amount="1e-25", base_amount="1e-25"), PAYMENT)

    assert list(valid.adjusted) == [ROUNDED, ROUNDED]


@pytest.mark.parametrize("text", [b'"\xff\xfe"', b'"\xed\xa0\x80"', b"\xff", b'["\xc0\xaf"]'])
@pytest.mark.parametrize("many", [1, FEW + 1, MANY])
def test_what_is_not_text_is_rejected_in_place_of_an_amount(text: bytes, many: int) -> None:
    """Each item by itself; its neighbours are accepted."""
    odd = payment().replace(b'"amount":100', b'"amount":' + text)
    raws = [odd, payment(amount="1e-25")] * many
    whole = [b'{"event":"realtime-payment","data":' + raw + b"}" for raw in raws]

    for checked in (check_records(PAYMENT, raws), check_items(whole)):
        assert [one.position for one in checked.rejected] == list(range(0, 2 * many, 2))
        assert {one.reason for one in checked.rejected} == {"bad_encoding"}
