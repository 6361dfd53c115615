"""No record on any topic that is read can end a process: each becomes a row, as what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.contract.dead_letters import LARGEST_VALUE_BYTES
from events.contract.id_rules import DEFAULT_RULES
from events.contract.registry import BY_NAME, EVENT_TYPES, REJECTED_TOPIC
from sinks.arrow import encode
from streams.dedup.blocks import UnreadableBlock, unpack
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Headers, Partition
from streams.judge.dead_letters import _DeadLetter, dead_letter_rows
from streams.judge.judge import Judged, judge
from tests.streams.judge.odd_values import ODD_BYTES, ODD_JSON

APPENDED_MS = 1_800_000_000_000
WINDOW_MS = 3_600_000
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def fetched(
    values: Sequence[bytes | None], topic: str, headers: Sequence[Headers] = ()
) -> FetchedBatch:
    """A fetched batch of *topic* that holds *values*."""
    count = len(values)
    return FetchedBatch(
        Partition(topic, 1),
        50,
        np.arange(50, 50 + count, dtype=np.int64),
        np.full(count, APPENDED_MS, np.int64),
        list(values),
        list(headers) or [()] * count,
        incarnation="incarnation",
    )


def kept(*values: bytes | None) -> list[dict[str, Any]]:
    """The rows that records of `fasttrack.rejected` become; none may be missing."""
    judged = dead_letter_rows(fetched(values, REJECTED_TOPIC), {})
    assert judged.rows is not None
    encode(pa.Table.from_batches([judged.rows]))
    assert judged.counts.stored == len(values)
    rows: list[dict[str, Any]] = judged.rows.to_pylist()
    assert [row["_offset"] for row in rows] == list(range(50, 50 + len(values)))
    return rows


def is_kept_as_it_is(row: dict[str, Any], value: bytes | None) -> bool:
    """Whether the row says that *value* is no dead letter, and has all of it."""
    text = value.decode("utf-8", "replace") if value else ""
    return row["reason"] == "unreadable_reject" and ("\ufffd" in text or row["raw"] == text)


def json_object(fields: dict[str, str]) -> bytes:
    """An object of values that are text already, be it JSON or not."""
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()


@pytest.mark.parametrize("field", _DeadLetter.__struct_fields__)
def test_a_dead_letter_with_any_json_in_any_field_is_a_row(field: str) -> None:
    """What fits is read; what does not is kept whole, never half read."""
    dead_letters = [
        json_object({"reason": '"r"', "tenant": '"acme"', field: odd}) for odd in ODD_JSON.values()
    ]

    rows = kept(*dead_letters)

    for name, value, row in zip(ODD_JSON, dead_letters, rows, strict=True):
        if is_kept_as_it_is(row, value):
            continue
        said = json.loads(value)[field]
        column = {"raw_base64": "raw"}.get(field, field)
        if said is None or field == "report":
            continue
        read = row[column].isoformat() if field == "received_at" else row[column]
        said = "2026-01-01T00:00:00+00:00" if field == "received_at" else said
        assert (read, type(read)) == (said, type(said)), name


@pytest.mark.parametrize("value", ODD_BYTES.values(), ids=ODD_BYTES.keys())
def test_any_bytes_on_the_topic_of_dead_letters_are_a_row(value: bytes | None) -> None:
    """Under their own coordinate."""
    (row,) = kept(value)

    assert is_kept_as_it_is(row, value)
    assert (row["topic"], row["partition"], row["offset"]) == (REJECTED_TOPIC, 1, 50)


@given(st.dictionaries(st.sampled_from(_DeadLetter.__struct_fields__) | st.text(), ANY_JSON))
def test_any_json_object_is_a_row(fields: dict[str, Any]) -> None:
    """Also with several odd fields at once."""
    kept(json.dumps({"reason": "r", **fields}).encode())


@pytest.mark.parametrize(
    "same",
    [
        {"reason": "r"},
        {"reason": "r", "tenant": "acme", "request_id": "x", "position": 0},
        {"reason": "r", "topic": "fasttrack.realtime-casino", "partition": 0, "offset": 5},
        {"reason": "r", "report": "fasttrack.rejected"},
        {"reason": "r", "report": ""},
    ],
    ids=["reason", "request", "coordinate", "no report", "empty report"],
)
def test_records_that_say_the_same_are_rows_of_their_own(same: dict[str, Any]) -> None:
    """What a record says names it only if ingest API or worker gave that name."""
    one, other = kept(orjson.dumps(same), orjson.dumps(same))

    assert one["_report"] != other["_report"]


@pytest.mark.parametrize("report", ["a:0", "AAECAwQFBgcICQoLDA0ODw:3:17:1800000000000", "x:1:2:3"])
def test_a_refusal_that_is_reported_again_is_the_same(report: str) -> None:
    """Unless the item is another one: then somebody else uses its name."""
    dead_letter = {"reason": "r", "report": report, "raw": "{}"}

    one, again, forged = kept(
        orjson.dumps(dead_letter),
        orjson.dumps(dead_letter),
        orjson.dumps(dead_letter | {"raw": "[]"}),
    )

    assert one["_report"] == again["_report"] != forged["_report"]


def judged(values: Sequence[bytes | None], headers: Sequence[Headers]) -> Judged:
    """What becomes of records of the logins' topic."""
    row = BY_NAME["realtime-login"]
    found = judge(
        fetched(values, row.topic, headers),
        row,
        dedup_index=DedupIndex(WINDOW_MS),
        stored={},
        rules=DEFAULT_RULES,
    )
    counts = found.counts
    outcomes = counts.stored + counts.duplicates + counts.conflicts + counts.rejected
    assert outcomes == len(values)
    assert counts.rejected == len(found.rejects)
    for reject in found.rejects:
        assert len(reject.value) <= LARGEST_VALUE_BYTES
        msgspec.json.decode(reject.value, type=_DeadLetter)
        (row_kept,) = kept(reject.value)
        assert row_kept["reason"] == reject.reason
    for batch in (found.rows, found.conflicts):
        if batch is not None:
            encode(pa.Table.from_batches([batch]))
    return found


LOGIN = {"unique_id": "x", "user_id": "u", "timestamp": "2026-01-15T12:00:00Z"}
TENANT = ("tenant", b"acme")


@pytest.mark.parametrize("field", [*LOGIN, "origin", "unknown"])
def test_an_event_with_any_json_in_any_field_has_one_outcome(field: str) -> None:
    """Stored, or refused with a dead letter that can be read again."""
    usual = {name: json.dumps(text) for name, text in LOGIN.items()}
    values = [json_object({**usual, field: odd}) for odd in ODD_JSON.values()]

    judged(values, [(TENANT,)] * len(values))


@pytest.mark.parametrize("value", ODD_BYTES.values(), ids=ODD_BYTES.keys())
def test_an_event_of_any_bytes_has_one_outcome(value: bytes | None) -> None:
    """Also none at all."""
    assert judged([value], [(TENANT,)]).counts.rejected == 1


ODD_HEADERS: dict[str, Any] = {
    "none": (),
    "null tenant": (("tenant", None),),
    "empty tenant": (("tenant", b""),),
    "tenant in capitals": (("tenant", b"ACME"),),
    "tenant with a line end": (("tenant", b"acme\n"),),
    "tenant that is no text": (("tenant", b"\xff\xfe"),),
    "long tenant": (("tenant", b"x" * 100_000),),
    "two tenants": (("tenant", b"a"), ("tenant", b"b")),
    "a tenant and then none": (TENANT, ("tenant", None)),
    "null time": (TENANT, ("received_at", None)),
    "time that is none": (TENANT, ("received_at", b"yesterday")),
    "time that is no text": (TENANT, ("received_at", b"\xff")),
    "year 1": (TENANT, ("received_at", b"0001-01-01T00:00:00+14:00")),
    "year 9999": (TENANT, ("received_at", b"9999-12-31T23:59:59.999999-14:00")),
    "long time": (TENANT, ("received_at", b"2026-01-01T00:00:00." + b"0" * 100_000 + b"Z")),
    "null request": (TENANT, ("request_id", None)),
    "request that is no text": (TENANT, ("request_id", b"\xff\x00\xc0")),
    "long request": (TENANT, ("request_id", "é".encode() * 100_000)),
    "names that are odd": (TENANT, ("", b""), ("\ufffd", None), ("tenant\x00", b"x")),
    "a thousand": (TENANT, *((f"h{n}", b"x") for n in range(1_000))),
}


@pytest.mark.parametrize("headers", ODD_HEADERS.values(), ids=ODD_HEADERS.keys())
@pytest.mark.parametrize("value", [json.dumps(LOGIN).encode(), b"rubbish", None])
def test_an_event_with_any_headers_has_one_outcome(headers: Headers, value: bytes | None) -> None:
    """Nobody's events are refused; what cannot be read of the others is left out."""
    found = judged([value, value], [headers, (TENANT,)])

    assert found.counts.stored == (0 if value in {b"rubbish", None} else found.counts.stored)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tenant", "received_at", "request_id"]) | st.text(),
            st.binary() | st.none(),
        )
    ),
    st.binary() | st.none(),
)
def test_an_event_with_any_headers_and_any_bytes_has_one_outcome(
    headers: list[Any], value: bytes | None
) -> None:
    """Whatever both are."""
    judged([value], [tuple(headers)])


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: event.name)
@settings(max_examples=30)
@given(st.dictionaries(st.text(), ANY_JSON))
def test_an_object_of_any_fields_has_one_outcome(event: Any, fields: dict[str, Any]) -> None:
    """Of every event type."""
    value = json.dumps(fields).encode()
    found = judge(
        fetched([value], event.topic, [(TENANT,)]),
        event,
        dedup_index=DedupIndex(WINDOW_MS),
        stored={},
        rules=DEFAULT_RULES,
    )

    assert found.counts.rejected + found.counts.stored == 1


@given(st.binary(max_size=400))
def test_any_bytes_in_a_changelog_are_a_block_or_are_not(value: bytes) -> None:
    """Nothing else than `UnreadableBlock` comes of them, and what is a block can be looked up."""
    for start in (b"", b"\x01\x00\x00\x00\x01\x00\x00\x00", b"\x02\x01\x00\x00\x01\x00\x00\x00"):
        try:
            block = unpack(start + value)
        except UnreadableBlock:
            continue
        dedup_index = DedupIndex(WINDOW_MS)
        dedup_index.add(block)
        dedup_index.look_up(block.high, block.low)
