"""Rules of the item check, one per test: why an item is rejected, and what is kept of it."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from events.check.check import check_items
from events.check.result import Checked
from events.contract.id_rules import parse_id_rules
from events.contract.reasons import BY_CODE
from events.contract.registry import BY_NAME
from events.values.instants import format_instant, read_instant
from tests.events.checks import check_records

pytestmark = pytest.mark.usefixtures("templates")
CASINO = BY_NAME["realtime-casino"]
BET = BY_NAME["realtime-sports-bet"]


def item(text: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """An example with some of its text replaced."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    return text


def answer(checked: Checked) -> tuple[str, str | None]:
    """Reason and field of the only rejection."""
    (one,) = checked.rejected
    assert one.reason in BY_CODE
    return one.reason, one.field


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b'"686"', b"686"), ("wrong_type", "data.user_id")),
        ((b'"user_id": "686",', b""), ("missing", "data.user_id")),
        ((b'"bet"', b'"Bet"'), ("not_allowed", "data.type")),
        ((b'"bet"', b"1"), ("wrong_type", "data.type")),
        ((b"0.5", b'"0.5"'), ("wrong_type", "data.amount")),
        ((b"0.5", b"null"), ("wrong_type", "data.amount")),
        ((b"0.5", b"true"), ("wrong_type", "data.amount")),
        ((b"0.5", b"4e20"), ("number_out_of_range", "data.amount")),
        ((b"0.5", b"400000000000000000000"), ("number_out_of_range", "data.amount")),
        ((b"0.5", b"1e400"), ("number_out_of_range", "data.amount")),
        ((b"0.5", b"1e99999999999999999999"), ("number_out_of_range", "data.amount")),
        ((b"0.5", b"9" * 20 + b".9999999999999999995"), ("number_out_of_range", "data.amount")),
        ((b"0.5", b"9" * 21 + b"e-1000000000000e"), ("bad_json", None)),
        ((b"12:00:00Z", b"12:00:00"), ("bad_time", "data.timestamp")),
        ((b"T12:00:00Z", b" 12:00:00Z"), ("bad_time", "data.timestamp")),
        ((b"12:00:00Z", b"12:00:00+0100"), ("bad_time", "data.timestamp")),
        ((b"01-15T", b"02-30T"), ("bad_time", "data.timestamp")),
        ((b"12:00:00Z", b"12:00:00Z\\n"), ("bad_time", "data.timestamp")),
        ((b"2025-01-15T", b"1899-12-31T"), ("time_out_of_range", "data.timestamp")),
        ((b"2025-01-15T", b"2262-04-11T"), ("time_out_of_range", "data.timestamp")),
        ((b"2025-01-15T", b"0000-01-15T"), ("time_out_of_range", "data.timestamp")),
        ((b"2025-01-15T", b"0001-01-01T"), ("time_out_of_range", "data.timestamp")),
        ((b"2025-01-15T", b"9999-12-31T"), ("time_out_of_range", "data.timestamp")),
        ((b"2025-01-15T", b"0000-00-00T"), ("bad_time", "data.timestamp")),
        ((b'"user_id"', b'"entry_timestamp":"","user_id"'), ("bad_time", "data.entry_timestamp")),
        (
            (b'"user_id"', b'"entry_timestamp":"0000-00-00T00:00:00Z","user_id"'),
            ("bad_time", "data.entry_timestamp"),
        ),
        (
            (b'"user_id"', b'"entry_timestamp":"0001-01-01T00:00:60Z","user_id"'),
            ("leap_second", "data.entry_timestamp"),
        ),
        (
            (b'"user_id"', b'"entry_timestamp":"0001-01-01 00:00:00","user_id"'),
            ("bad_time", "data.entry_timestamp"),
        ),
        (
            (b'"user_id"', b'"entry_timestamp":0,"user_id"'),
            ("wrong_type", "data.entry_timestamp"),
        ),
        ((b"00Z", b"60Z"), ("leap_second", "data.timestamp")),
        ((b'"EUR"', b'"EUR","amount":1'), ("duplicate_name", "data.amount")),
        ((b'"EUR"', b'"EUR","\\u0061mount":1'), ("duplicate_name", "data.amount")),
        ((b'"event":', b'"event":"realtime-casino","event":'), ("duplicate_name", "event")),
        ((b'"EUR"', b'"\\ud800"'), ("bad_text", "data.currency")),
        ((b'"9cd823d3fe"', b'"' + b"x" * 2_049 + b'"'), ("id_too_long", "data.unique_id")),
        ((b'"9cd823d3fe"', b'""'), ("empty_id", "data.unique_id")),
        ((b"realtime-casino", b"realtime-cart"), ("unknown_event", "event")),
        ((b'"realtime-casino"', b"7"), ("wrong_type", "event")),
        ((b'"event": "realtime-casino",', b""), ("missing", "event")),
        ((b'"data"', b'"date"'), ("missing", "data")),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else repr(value[1][:24]),
)
def test_a_refusal_names_reason_and_field(
    examples: dict[str, bytes], change: tuple[bytes, bytes], expected: tuple[str, str]
) -> None:
    """Each fault has its code, and the path of the field."""
    assert answer(check_items([item(examples["realtime-casino"], change)])) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b'"odds": 3.7,', b'"odds": null,'), ("wrong_type", "data.odds")),
        ((b'"odds": 1.85', b'"odds": "1.85"'), ("wrong_type", "data.bets[0].odds")),
        ((b'"odds": 2,', b""), ("missing", "data.bets[1].odds")),
        ((b'"odds": 2,', b'"odds": 2,"odds": 2,'), ("duplicate_name", "data.bets[1].odds")),
        ((b'{"sport_id": 1}', b"null"), ("wrong_type", "data.bets[0].meta")),
        ((b'"sport_id": 1', b'"sport": "\\udc00"'), ("bad_text", "data.bets")),
        ((b'[{"name"', b'[1, {"name"'), ("wrong_type", "data.bets[0].outcomes[0]")),
        ((b"20:45:00+01:00", b"20:45"), ("bad_time", "data.bets[0].match_start")),
        ((b'"is_cashout": false', b'"is_cashout": null'), ("wrong_type", "data.is_cashout")),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else repr(value[1][:24]),
)
def test_a_leg_is_held_to_what_the_page_says(
    examples: dict[str, bytes], change: tuple[bytes, bytes], expected: tuple[str, str]
) -> None:
    """Legs are checked field by field."""
    assert answer(check_items([item(examples["realtime-sports-bet"], change)])) == expected


def test_messages_never_quote_what_was_sent(examples: dict[str, bytes]) -> None:
    """They go to logs and to other people."""
    secret = b'"s3cret"'
    changes = [(b"0.5", secret), (b'"bet"', secret), (b'"2025-01-15T12:00:00Z"', secret)]

    checked = check_items([item(examples["realtime-casino"], change) for change in changes])

    assert len(checked.rejected) == 3
    assert not [one for one in checked.rejected if "s3cret" in one.message]


def test_the_contract_is_reported_before_storage(examples: dict[str, bytes]) -> None:
    """An item with faults of both kinds is rejected for the one the client must fix first."""
    raw = item(examples["realtime-casino"], (b"0.5", b"1e99"), (b'"EUR"', b"1"))

    (one,) = check_items([raw]).rejected

    assert (one.reason, one.field) == ("wrong_type", "data.currency")
    assert "1 more" in one.message


def test_unknown_fields_are_ignored_at_every_level(examples: dict[str, bytes]) -> None:
    """Also when they are odd themselves, repeat, or are named like fields of another level."""
    extra = b'"x":[{"odds":1e999}],"x":"\\ud800","event":1,"data":{"user_id":[]},'
    raws = [
        text.replace(b'"user_id"', extra + b'"user_id"').replace(b'"data": {', b'"y":{},"data": {')
        for text in examples.values()
    ]

    checked = check_items(raws)

    assert checked.rejected == []
    assert [one.positions for one in checked.accepted] == [[0], [1], [2], [3], [4], [5]]


def test_bets_are_kept_as_they_were_sent(examples: dict[str, bytes]) -> None:
    """The text between the brackets, spaces and unknown fields included."""
    legs = b'[ {"odds": 1.850, "sports_name":"\\u0041", "tournament_name" : "T", "new":{"a":1}} ]'
    start, end = examples["realtime-sports-bet"].split(b'"bets":')[0], b',"bonus'
    raw = start + b'"bets":' + legs + end + examples["realtime-sports-bet"].split(b'"bonus')[1]

    # The second item goes to the exact check for its unknown half character.
    odd = raw.replace(b'"data": {', b'"data": {"x":"\\ud800",')
    (bets,) = check_items([raw, odd]).accepted

    assert bets.columns()["bets"].to_pylist() == [legs.decode()] * 2


def test_defaults_fill_what_is_absent(examples: dict[str, bytes]) -> None:
    """Absent and null optional fields are null, except where the page gives a default."""
    payment = item(examples["realtime-payment"], (b'"base_amount": 100,', b""))
    bet = item(
        examples["realtime-sports-bet"],
        (b'"is_cashout": false,', b""),
        (b'"odds": 3.7,', b""),
    )

    paid, placed = check_items([payment, bet]).accepted

    assert paid.columns()["base_amount"].to_pylist() == [Decimal(0)]
    assert paid.columns()["entry_timestamp"].to_pylist() == [None]
    assert placed.columns()["is_cashout"].to_pylist() == [False]
    assert placed.columns()["odds"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"0.5", b"0.50"),
        (b"0.5", b"5e-1"),
        (b'"2025-01-15T12:00:00Z"', b'"2025-01-15T13:00:00+01:00"'),
        (b'"2025-01-15T12:00:00Z"', b'"2025-01-15t12:00:00.000z"'),
        (b'"EUR"', b'"\\u0045UR"'),
        (b'"EUR"', b'"EUR","entry_timestamp":null'),
        (b'"EUR"', b'"EUR","origin":"example.com"'),
        (b'"bonus_wager_amount": 0', b'"bonus_wager_amount":-0.0'),
    ],
)
def test_the_same_content_has_the_same_fingerprint(
    examples: dict[str, bytes], before: bytes, after: bytes
) -> None:
    """However it is written."""
    one = examples["realtime-casino"]

    (both,) = check_items([one, item(one, (before, after))]).accepted

    first, second = both.fingerprints()
    assert first == second


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        ("realtime-casino", b"0.5", b"0.51"),
        ("realtime-casino", b"0.5", b"-0.5"),
        ("realtime-casino", b'"game_id": "686"', b'"game_id": "6866"'),
        ("realtime-casino", b"12:00:00Z", b"12:00:00.000000001Z"),
        ("realtime-sports-bet", b'"criterion": "Full time"', b'"criterion": "Half time"'),
        ("realtime-sports-bet", b'"sport_id": 1', b'"sport_id": "1"'),
        ("realtime-sports-bet", b'"is_live": true', b'"is_live": false'),
        ("realtime-registration", b'"gender": null', b'"gender": ""'),
    ],
)
def test_other_content_has_another_fingerprint(
    examples: dict[str, bytes], event: str, before: bytes, after: bytes
) -> None:
    """Every field of the contract counts, and nested content too."""
    one = examples[event]

    (both,) = check_items([one, item(one, (before, after))]).accepted

    first, second = both.fingerprints()
    assert first != second


def test_text_cannot_move_between_fields_unnoticed(examples: dict[str, bytes]) -> None:
    """Neighbouring strings are hashed with their lengths."""
    one = item(examples["realtime-casino"], (b'"game_id": "686"', b'"game_id": "68"'))
    other = item(one, (b'"round_id": "680"', b'"round_id": "80"'), (b'"68"', b'"686"'))
    (both,) = check_items([one, other]).accepted

    assert both.fingerprints()[0] != both.fingerprints()[1]


def test_legs_may_be_written_in_another_way(examples: dict[str, bytes]) -> None:
    """Nested numbers, times and defaults are compared by meaning, too."""
    one = examples["realtime-sports-bet"]
    other = item(
        one,
        (b'"odds": 1.85,', b'"is_live":false, "odds": 185e-2,'),
        (b"20:45:00+01:00", b"19:45:00Z"),
        (b'"sport_id": 1', b'"sport_id": 1.0'),
    )

    (both,) = check_items([one, other]).accepted

    assert both.fingerprints()[0] == both.fingerprints()[1]


def test_records_may_be_whole_items_or_bare_data(examples: dict[str, bytes]) -> None:
    """Direct producers send either; both mean the same."""
    whole = examples["realtime-casino"]
    bare = json.dumps(json.loads(whole)["data"]).encode()

    checked = check_records(CASINO, [whole, bare, None, b"null", examples["realtime-login"]])

    (both,) = checked.accepted
    assert both.positions == [0, 1]
    assert both.fingerprints()[0] == both.fingerprints()[1]
    assert [one.reason for one in checked.rejected] == [
        "null_value",
        "not_an_object",
        "event_mismatch",
    ]


def test_numbers_are_taken_for_ids_only_where_the_tenant_says_so(
    examples: dict[str, bytes],
) -> None:
    """The item is published with quotes set around its digits and nothing else changed."""
    raw = item(examples["realtime-casino"], (b'"user_id": "686"', b'"user_id": 686'))
    bet = item(examples["realtime-sports-bet"], (b'"Serie A"', b"-1.50"), (b'"1X2"', b"12"))

    assert answer(check_items([raw])) == ("wrong_type", "data.user_id")
    casino, bets = check_items([raw, bet], coerce_ids=True).accepted
    assert dict(casino.rewritten) == {0: examples["realtime-casino"]}
    assert json.loads(bets.rewritten[1])["data"]["bets"][0]["tournament_name"] == "-1.50"
    assert '"-1.50"' in bets.columns()["bets"].to_pylist()[0]


@pytest.mark.parametrize("digits", [b"01", b"1.", b"-", b"+1", b"1 2", b".5"])
def test_quotes_are_set_around_json_numbers_only(examples: dict[str, bytes], digits: bytes) -> None:
    """What is not JSON does not become valid by being put in quotes."""
    raw = item(examples["realtime-casino"], (b'"user_id": "686"', b'"user_id": ' + digits))

    assert answer(check_items([raw], coerce_ids=True)) == ("bad_json", None)


def test_an_operator_may_widen_an_id(examples: dict[str, bytes]) -> None:
    """The statuses of a payment may be separate items, for one tenant."""
    rules = parse_id_rules({"acme": {"realtime-payment": ["payment_id", "status"]}})
    payment = examples["realtime-payment"]

    (mine,) = check_items([payment], tenant="acme", rules=rules).accepted
    (theirs,) = check_items([payment], tenant="other", rules=rules).accepted
    row = BY_NAME["realtime-payment"]
    (mixed,) = check_records(
        row, [payment] * 2, owners=[("acme", 0), ("other", 0)], rules=rules
    ).accepted

    assert mine.ids == ["a1b2b3|approved"]
    assert theirs.ids == ["a1b2b3"]
    assert mixed.ids == ["a1b2b3|approved", "a1b2b3"]


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ({"acme": {"payment": ["payment_id"]}}, "no event type"),
        ({"acme": {"realtime-payment": ["id"]}}, "is not one of"),
        ({"acme": {"realtime-payment": ["amount"]}}, "is not one of"),
        ({"acme": {"realtime-payment": []}}, "different field names"),
        ({"acme": {"realtime-payment": "payment_id"}}, "different field names"),
    ],
)
def test_a_wrong_id_rule_is_refused(rules: Any, complaint: str) -> None:
    """A process does not start with a rule that cannot work."""
    with pytest.raises(ValueError, match=complaint):
        parse_id_rules(rules)


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00Z", "2262-04-10T23:59:59.999999999Z"])
def test_instants_come_back_as_they_were(text: str) -> None:
    """Writing and reading are inverse up to the nanosecond."""
    assert read_instant(format_instant(read_instant(text))) == read_instant(text)


def test_one_call_gives_each_position_one_outcome(examples: dict[str, bytes]) -> None:
    """Accepted or rejected, once."""
    raws = [*examples.values(), b"{}", b"[]", *examples.values()]

    checked = check_items(raws)

    outcomes = [at for one in checked.accepted for at in one.positions]
    outcomes += [one.position for one in checked.rejected]
    assert sorted(outcomes) == list(range(len(raws)))
    assert check_items([]) == Checked()


@pytest.mark.parametrize("id_", [b"", b"x" * 2_049], ids=["empty", "too long"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("company", [1, 8, 200])
def test_an_id_is_refused_beside_items_that_only_the_exact_check_proves(
    examples: dict[str, bytes], id_: bytes, order: tuple[int, ...], company: int
) -> None:
    """One client's odd id neither stops a worker nor makes a request fail."""
    usual = examples["realtime-casino"]
    escaped = b'"x": {"\\u0075ser_id": "1"}, "\\u0078": 1, "\\u0075ser_id"'
    kinds = [
        usual,
        item(usual, (b'"user_id"', escaped)),
        item(usual, (b'"9cd823d3fe"', b'"' + id_ + b'"')),
    ]
    raws = [kinds[kind] for kind in order] * company
    wrong = [at for at in range(len(raws)) if order[at % 3] == 2]

    for checked in (check_items(raws), check_records(CASINO, raws)):
        assert [one.position for one in checked.rejected] == wrong
        assert len(checked.accepted[0]) == len(raws) - len(wrong)
