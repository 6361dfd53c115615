"""Dead letters read, shown, exported and mended, without anything running."""

from __future__ import annotations

import base64
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from railhead.dead_letters.dead_letter import (
    DeadLetter,
    DeadLetterId,
    Occurrences,
    parse_id,
    raw_bytes,
)
from railhead.dead_letters.export import write_csv, write_ndjson
from railhead.dead_letters.listing import as_table, as_table_of_items, print_dead_letter
from railhead.dead_letters.plain_text import csv_cell, visible
from railhead.dead_letters.replay.corrections import CannotMendError, mend, parse_mend
from railhead.dead_letters.replay.items import CannotSendError, item_of
from railhead.dead_letters.replay.pace import Pace

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def dead_letter(raw: str = '{"event":"x","data":{}}', **fields: Any) -> DeadLetter:
    """A dead letter of the ingest API."""
    usual: dict[str, Any] = {
        "id": DeadLetterId(0, 17),
        "appended_at": NOON,
        "tenant": "acme",
        "event": "realtime-casino",
        "reason": "missing",
        "field": "data.user_id",
        "message": "data.user_id is missing; send it",
        "raw": raw,
        "raw_length": len(raw),
        "request_id": "r1",
        "position": 3,
        "topic": "",
        "partition": None,
        "offset": None,
        "received_at": NOON,
        "stored_at": NOON,
        "replays": 0,
        "replayed_at": None,
        "replay_outcome": "",
    }
    return DeadLetter(**{**usual, **fields})


def printed(shown: Any) -> str:
    """What a terminal would show."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(shown)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("text", ["0:17", "fasttrack.rejected:0:17", " 0:17 "])
def test_an_id_is_where_the_report_lies(text: str) -> None:
    """As `list` prints it, or with the topic."""
    assert parse_id(text) == DeadLetterId(0, 17)
    assert str(DeadLetterId(0, 17)) == "0:17"


def test_the_beginning_of_the_topics_incarnation_is_part_of_an_id() -> None:
    """A topic that was recreated has all its offsets again; `-` stands for none."""
    assert str(DeadLetterId(0, 17, "AAECAwQFBgcICQoLDA0ODw", 5)) == "0:17:AAEC"
    assert parse_id("0:17:AAEC") == DeadLetterId(0, 17, "AAEC")
    assert parse_id("0:17:AAECAwQFBgcICQoLDA0ODw") == DeadLetterId(0, 17, "AAECAwQFBgcICQoLDA0ODw")
    assert parse_id("0:17:-") == DeadLetterId(0, 17, "-")


@pytest.mark.parametrize(
    "text", ["", "17", "other:0:17", "0:-1", "0:17:2", "0:17:", "0:17:a b c", "0:17:ééééé", "a:b"]
)
def test_anything_else_is_no_id(text: str) -> None:
    """The message shows one."""
    with pytest.raises(ValueError, match="like 0:17"):
        parse_id(text)


@given(st.binary(min_size=1, max_size=60))
def test_bytes_that_are_not_text_come_back_unchanged(raw: bytes) -> None:
    """They were kept in base64, as they are not UTF-8."""
    assert raw_bytes(base64.b64encode(raw).decode(), "bad_encoding") == raw


def test_json_is_not_base64_though_it_looks_like_it() -> None:
    """A record without a tenant may be either."""
    assert raw_bytes("true", "no_tenant") == b"true"
    assert raw_bytes("//79", "no_tenant") == b"\xff\xfe\xfd"


@pytest.mark.parametrize("text", ["true", "null", "12345678", '"abc"', "{}", "", "späť"])
def test_text_stays_text(text: str) -> None:
    """Also where it looks like base64: it is not text that was rejected for its encoding."""
    assert raw_bytes(text, "not_an_object") == text.encode()


def test_untrusted_text_cannot_move_the_cursor() -> None:
    """Control characters and reversed writing are shown as what they are."""
    assert visible("a\x1b[31m\n\u202eb\x9b") == "a\\x1b[31m\\n\\u202eb\\x9b"
    assert visible("a\udcffb\udc80") == "a\\xffb\\x80"  # bytes that were not UTF-8
    assert visible("0123456789", most_characters=5) == "0123…"
    assert visible("späť 1 €") == "späť 1 €"


def test_a_table_shows_no_payload_unless_asked() -> None:
    """Payloads are players' data; markup in them is text."""
    one = dead_letter('{"secret":"[red]x[/red]"}', field="[bold]m[/bold]")

    assert "secret" not in printed(as_table([one], with_raw=False))
    assert "[bold]m[/bold]" in printed(as_table([one], with_raw=False))
    assert "[red]x[/red]" in printed(as_table([one], with_raw=True))


def test_a_table_of_items_shows_how_often_each_came() -> None:
    """All occurrences in one line; payloads only when asked for."""
    one = dead_letter('{"secret":1}')
    occurrences = {one.id: Occurrences(NOON, NOON + timedelta(hours=1), 12_345)}

    shown = printed(as_table_of_items([one], occurrences, with_raw=False))

    assert "2026-01-15 12:00:00" in shown
    assert "2026-01-15 13:00:00" in shown
    assert "12,345" in shown
    assert "secret" not in shown
    assert '{"secret":1}' in printed(as_table_of_items([one], occurrences, with_raw=True))


def test_bytes_that_are_not_text_are_dumped() -> None:
    """In hexadecimal, beside their ASCII characters."""
    console = Console(file=io.StringIO(), width=200)
    raw = base64.b64encode(b"\xff\xfeab").decode()

    print_dead_letter(
        console, dead_letter(raw, reason="bad_encoding"), Occurrences(NOON, NOON, 1), []
    )

    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "ff fe 61 62" in text
    assert "..ab" in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """A spreadsheet would run it."""
    assert csv_cell(cell) == f"'{cell}"


def test_a_csv_file_reads_back() -> None:
    """Line ends and quotation marks within a cell stay within it."""
    file = io.StringIO(newline="")
    hostile = dead_letter('=cmd|"x"\n,y', event="=1+1")

    assert write_csv([hostile], file) == 1

    file.seek(0)
    row = next(csv.DictReader(file))
    assert row["raw"] == '\'=cmd|"x"\n,y'
    assert row["event"] == "'=1+1"
    assert row["id"] == "0:17"


def test_ndjson_holds_everything_a_line_each() -> None:
    """Bytes that are not text are in a field of their own."""
    file = io.StringIO()
    raw = base64.b64encode(b"\xff").decode()

    write_ndjson([dead_letter("\u2028 x"), dead_letter(raw, reason="bad_encoding")], file)

    first, second = (json.loads(line) for line in file.getvalue().splitlines())
    assert (first["raw"], first["raw_base64"]) == ("\u2028 x", None)
    assert (second["raw"], second["raw_base64"]) == (None, raw)


LEGS = '"legs":[{"odds":2}]'


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("data.currency=EUR", '{"event":"e","data":{"amount":1.50,%,"currency":"EUR"}}'),
        ("amount=2.00", '{"event":"e","data":{"amount":2.00,%}}'),
        ("legs[0].odds=3.0", '{"event":"e","data":{"amount":1.50,"legs":[{"odds":3.0}]}}'),
        ("event=realtime-login", '{"event":"realtime-login","data":{"amount":1.50,%}}'),
        ("amount=null", '{"event":"e","data":{"amount":null,%}}'),
        ('amount="1"', '{"event":"e","data":{"amount":"1",%}}'),
        ("amount=NaN", '{"event":"e","data":{"amount":"NaN",%}}'),
        ("amount=", '{"event":"e","data":{"amount":"",%}}'),
    ],
)  # fmt: skip
def test_a_field_is_set_and_all_else_stays(change: str, expected: str) -> None:
    """JSON is taken as JSON, anything else as a string; digits stay as they were sent."""
    item = b'{"event":"e","data":{"amount":1.50,"legs":[{"odds":2}]}}'

    assert mend(item, (parse_mend(change),)) == expected.replace("%", LEGS).encode()


@pytest.mark.parametrize("change", ["legs[1].odds=3", "nothing.there=1", "amount.x=1", "legs.x=1"])
def test_what_does_not_exist_cannot_be_mended(change: str) -> None:
    """A new field is made only in an object that exists."""
    with pytest.raises(CannotMendError):
        mend(b'{"data":{"amount":1,"legs":[{}]}}', (parse_mend(change),))


@pytest.mark.parametrize("text", ["", "x", "=1", "a..b=1", ".a=1", "a[x]=1", "a]=1"])
def test_a_mend_is_a_path_and_a_value(text: str) -> None:
    """The message shows one."""
    with pytest.raises(ValueError, match=r"data\.currency=EUR"):
        parse_mend(text)


names = st.text(st.characters(exclude_characters=".[]=", exclude_categories=["Cs"]), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=4), names, values)
def test_mending_is_setting_one_field(data: dict[str, Any], name: str, value: Any) -> None:
    """Compared with the same change to the parsed item."""
    item = json.dumps({"event": "e", "data": data}).encode()

    mended = mend(item, (parse_mend(f"data.{name}={json.dumps(value)}"),))

    assert json.loads(mended) == {"event": "e", "data": {**data, name: value}}


def test_bare_data_of_a_record_becomes_a_whole_item() -> None:
    """The topic gives its type; the ingest API takes whole items only."""
    one = dead_letter('{"amount":1.50}', topic="fasttrack.realtime-casino", partition=0, offset=9)

    assert item_of(one).raw == b'{"event":"realtime-casino","data":{"amount":1.50}}'


def test_a_whole_item_stays_as_it_was() -> None:
    """Also one from a topic."""
    raw = '{ "event": "realtime-login", "data": {"amount": 1.50} }'

    assert item_of(dead_letter(raw, topic="fasttrack.realtime-casino")).raw == raw.encode()


def test_an_unreadable_item_is_not_sent() -> None:
    """In a batch it might hide where its neighbours begin; the reason is reported."""
    with pytest.raises(CannotSendError) as refused:
        item_of(dead_letter('{"event":', reason="bad_json"))

    assert refused.value.reason == "bad_json"


def test_an_item_of_which_only_the_beginning_is_kept_is_not_sent() -> None:
    """The ingest API said so in the message."""
    truncated = replace(
        dead_letter(), message="too large; of 6,000,000 bytes the first 5,242,880 are kept"
    )

    with pytest.raises(CannotSendError, match="beginning"):
        item_of(truncated)


def test_a_rate_is_kept_on_average() -> None:
    """Batches wait until their items are due; time lost elsewhere is not waited for twice."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace(100, now=lambda: clock[0], sleep=sleep)

    for _ in range(5):
        pace.wait(100)
    assert pace.batch == 100
    assert clock[0] == pytest.approx(4.0)
    clock[0] += 10.0
    pace.wait(100)
    assert clock[0] == pytest.approx(14.0)
    assert Pace(0.5).batch == 1
