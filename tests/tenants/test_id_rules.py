"""Workers follow the tenants file; without a usable one they do not judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from events.contract.registry import BY_NAME
from tenants.id_rules import TenantRules
from tenants.tenants import TenantIdsFile
from tenants.tenants_file import TenantsFileError, read_as

PAYMENT = BY_NAME["realtime-payment"]


def write(path: Path, fields: Any) -> None:
    """Replace the tenants file by one with one tenant."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"tenants": {"acme": {"id_fields": {PAYMENT.name: fields}}}}))
    new.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A tenants file with a rule."""
    path = tmp_path / "tenants.json"
    write(path, ["payment_id", "status"])
    return path


def fields(tenant_rules: TenantRules) -> tuple[str, ...]:
    """The rule in force."""
    return tenant_rules.rules.fields_for("acme", PAYMENT)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{", b"[]", b"null", b'{"tenants": []}', b'{"tenants": {"acme": 1}}',
     b'{"tenants": {"acme": {"id_fields": {"realtime-payment": ["nope"]}}}}',
     b'{"tenants": {"acme": {"id_fields": {"realtime-payment": 7}}}}', b"\xff\xfe"],
)  # fmt: skip
def test_without_a_usable_tenants_file_nothing_is_judged(path: Path, content: bytes | None) -> None:
    """Ids would be made by other rules than before, and events would count twice."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(TenantsFileError, match=r"tenants\.json"):
        TenantRules(path)


@pytest.mark.parametrize("content", [None, b"", b'{"tenants": []}'])
def test_a_file_that_goes_bad_leaves_the_last_good_rules_and_alarms(
    path: Path, content: bytes | None
) -> None:
    """One alarm each time; when the file is good again it is read."""
    alarms: list[None] = []
    tenant_rules = TenantRules(path, lambda: alarms.append(None))
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    for _ in range(3):
        tenant_rules.refresh()

    assert fields(tenant_rules) == ("payment_id", "status")
    assert len(alarms) == 1
    write(path, ["payment_id", "type"])
    tenant_rules.refresh()
    assert fields(tenant_rules) == ("payment_id", "type")
    assert len(alarms) == 1


def test_current_reads_the_file_as_it_is_now(path: Path) -> None:
    """An item accepted by a new rule may arrive before the next periodic check of the file."""
    tenant_rules = TenantRules(path)
    write(path, ["payment_id", "type"])

    assert tenant_rules.current().fields_for("acme", PAYMENT) == ("payment_id", "type")


def test_a_worker_reads_no_key(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its rules hold whatever the file has of keys, and no text repeats any of it."""
    hashed = "0123456789abcdef" * 4
    for keys in ([{"prefix": "abcdefgh", "hash": hashed}], [{"hash": hashed}], hashed, None, 7):
        tenant = {"id_fields": {PAYMENT.name: ["payment_id", "type"]}, "keys": keys}
        path.write_text(json.dumps({"tenants": {"acme": tenant}}))
        tenant_rules = TenantRules(path)

        assert fields(tenant_rules) == ("payment_id", "type")
        assert "keys" not in read_as(TenantIdsFile, path).tenants["acme"].model_dump()

        path.write_text(json.dumps({"tenants": {"acme": {**tenant, "id_fields": keys}}}))
        tenant_rules.refresh()
        path.write_text(json.dumps({"tenants": {"acme": {**tenant, "id_rules": 1}}})[:-1])
        tenant_rules.refresh()

    assert "tenants.json" in caplog.text
    assert hashed not in caplog.text


def test_no_path_means_the_contracts_rules() -> None:
    """Where no tenants file is set, no tenant has a rule."""
    assert fields(TenantRules(None)) == ("payment_id",)


def test_the_names_of_the_tenants_follow_the_file_and_stay_when_it_is_gone(path: Path) -> None:
    """A tenant that was added is known with the next fetched batch."""
    followed = TenantRules(path)
    assert followed.names == frozenset({"acme"})

    new = path.with_suffix(".new")
    new.write_text(json.dumps({"tenants": {"acme": {}, "other": {}}}))
    new.replace(path)
    followed.current()
    assert followed.names == frozenset({"acme", "other"})

    path.unlink()
    followed.current()
    assert followed.names == frozenset({"acme", "other"})
    assert TenantRules(None).names is None
