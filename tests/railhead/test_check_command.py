"""`railhead check` judges samples offline, as the ingest API and the workers would."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from events.contract.reasons import BY_CODE
from railhead.cli.main import main
from railhead.sample_check import Sample, SampleCheck, SampleOwner

TOPIC = "fasttrack.realtime-login"


def login(unique_id: str = "1", **fields: object) -> dict[str, Any]:
    """The data of a login."""
    return {
        "unique_id": unique_id,
        "user_id": "686",
        "timestamp": "2025-01-15T12:00:00Z",
        **fields,
    }


def item(unique_id: str = "1", **fields: object) -> dict[str, Any]:
    """A login as an item."""
    return {"event": "realtime-login", "data": login(unique_id, **fields)}


def checked(
    file: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and outcomes of `railhead check --json`."""
    code = main(["check", str(file), "--json", *words])
    return code, json.loads(capsys.readouterr().out)["outcomes"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where samples are written."""
    return tmp_path / "samples.json"


def test_each_item_has_its_outcome_reason_field_and_what_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An item that is rejected changes nothing for the others."""
    items = [item(), item("2", timestamp="yesterday"), item("3")]
    file.write_text(json.dumps(items))

    code, outcomes = checked(file, capsys)

    assert code == 1
    assert [one["outcome"] for one in outcomes] == ["valid", "rejected", "valid"]
    assert outcomes[1] == {
        "position": 2,
        "outcome": "rejected",
        "event": "realtime-login",
        "reason": "bad_time",
        "field": "data.timestamp",
        "message": "data.timestamp is not an RFC 3339 date-time with offset",
        "what_to_do": BY_CODE["bad_time"].remedy,
    }


def test_valid_items_and_repeats_are_fine(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One item a line, compressed; the same content in other words is a duplicate."""
    lines = [item(), item("1", timestamp="2025-01-15T13:00:00+01:00")]
    file.write_bytes(gzip.compress("\n\n".join(map(json.dumps, lines)).encode()))

    code, outcomes = checked(file, capsys)

    assert code == 0
    assert [(one["position"], one["outcome"]) for one in outcomes] == [
        (1, "valid"),
        (3, "duplicate"),
    ]
    assert (outcomes[1]["id"], outcomes[1]["first"]) == ("1", 1)


def test_other_content_of_an_id_is_a_conflict(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one id only the first content counts."""
    file.write_text(json.dumps([item(), item(user_id="687")]))

    assert main(["check", str(file)]) == 1

    said = capsys.readouterr().out
    assert "2: conflict realtime-login; id 1, as in 1; send it with an id of its own" in said
    assert "2 samples: 1 valid, 1 conflict" in said


def test_values_of_records_may_be_items_or_their_data(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The topic decides the type; one line that is no JSON is one record."""
    other = {"event": "realtime-payment", "data": {}}
    values = [json.dumps(login()), json.dumps(item("2")), json.dumps(other), "{torn"]
    file.write_bytes("\n".join(values).encode() + b"\n\xff\n")

    code, outcomes = checked(file, capsys, "--topic", TOPIC)

    assert code == 1
    assert [one.get("reason") or one["outcome"] for one in outcomes] == [
        "valid",
        "valid",
        "event_mismatch",
        "bad_json",
        "bad_encoding",
    ]
    assert outcomes[0]["key"] == "TENANT:1"


def test_a_tenants_own_rules_are_those_of_its_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its id, the record's key by the contract's id, and numbers as ids."""
    here = ["--data-dir", str(tmp_path)]
    rule = "realtime-login=unique_id,user_id"
    add = ["tenant", "add", "acme", "--create", "--coerce-ids", "--id-fields", rule]
    assert main([*add, *here]) == 0
    capsys.readouterr()
    file.write_text(json.dumps([item(), item(user_id="687"), item("2", user_id=688)]))

    code, outcomes = checked(file, capsys, "--tenant", "acme", *here)

    assert code == 0
    assert [one["outcome"] for one in outcomes] == ["valid"] * 3
    assert {one["key"] for one in outcomes[:2]} == {"acme:1"}
    assert len({one["id"] for one in outcomes[:2]}) == 2


def test_an_unknown_tenant_is_wrong_use(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rules are not known, so nothing is judged by others."""
    assert main(["tenant", "add", "acme", "--create", "--data-dir", str(tmp_path)]) == 0
    file.write_text(json.dumps([item()]))

    assert main(["check", str(file), "--tenant", "nobody", "--data-dir", str(tmp_path)]) == 2
    assert "has no tenant nobody" in capsys.readouterr().err
    assert main(["check", str(file), "--tenant", "acme", "--data-dir", "/nowhere"]) == 2
    assert "no tenants file /nowhere/tenants.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"[1, 2", b"[] x", b"\x1f\x8b\x08broken"])
def test_a_file_that_cannot_be_read_is_named(
    content: bytes, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And so is one that does not exist."""
    file.write_bytes(content)
    assert main(["check", str(file)]) == 2
    assert str(file) in capsys.readouterr().err

    file.unlink()
    assert main(["check", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_values_that_are_not_stored_exactly_are_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Valid, and worth knowing; control characters of an id do not reach the terminal."""
    file.write_text(json.dumps([item("\x1b[31m", timestamp="2025-01-15T12:00:00.1234567891Z")]))

    assert main(["check", str(file)]) == 0

    said = capsys.readouterr().out
    assert "not stored exactly as sent: time_cut" in said
    assert r"id \x1b[31m" in said


def test_ids_are_remembered_across_calls_and_apart_by_type() -> None:
    """A large file is judged in chunks; two types may use one id."""
    check = SampleCheck(SampleOwner(), None)
    payment = {
        "event": "realtime-payment",
        "data": {
            "payment_id": "1",
            "user_id": "686",
            "timestamp": "2025-01-15T12:00:00Z",
            "type": "credit",
            "status": "approved",
            "amount": 100,
            "currency": "EUR",
            "base_amount": 100,
            "vendor_name": "Card",
        },
    }

    def outcome(position: int, sample: object) -> str:
        [one] = check.outcomes([Sample(position, json.dumps(sample).encode())])
        return one.outcome

    assert [outcome(at, one) for at, one in enumerate([item(), payment, item(), item()], 1)] == [
        "valid",
        "valid",
        "duplicate",
        "duplicate",
    ]
