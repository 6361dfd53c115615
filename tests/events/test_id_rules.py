"""Id rules: which one is in force when, and which part of an id decides its partition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.check.check import check_items
from events.contract.examples import example_text
from events.contract.id_rules import AS_STORED, IdRules, Rule, parse_id_rules
from events.contract.registry import BY_NAME
from tenants.id_rules import rules_of_tenants
from tenants.tenants import TenantIds
from tests.events.checks import check_records

PAYMENT = BY_NAME["realtime-payment"]
CONTRACT = ("payment_id",)
WIDER = ("payment_id", "status")
WIDEST = ("payment_id", "status", "type")
NOON = "2026-01-15T12:00:00Z"
NOON_MS = 1_768_478_400_000


def rules(fields: Any = None, *log: tuple[Any, str | None]) -> IdRules:
    """The rules of a tenant with these fields and this log."""
    tenant: dict[str, Any] = {}
    if fields:
        tenant["id_fields"] = {PAYMENT.name: fields}
    if log:
        entries = [{"fields": one, "since": since} for one, since in log]
        tenant["id_rules"] = {PAYMENT.name: entries}
    return rules_of_tenants({"acme": TenantIds.model_validate(tenant), "other": TenantIds()})


def test_a_rule_applies_from_its_moment_on() -> None:
    """By the append time of the record, so that every worker and every replay makes the same id."""
    changed = rules(WIDER, (CONTRACT, None), (WIDER, NOON))

    assert changed.fields_for("acme", PAYMENT, NOON_MS - 1) == CONTRACT
    assert changed.fields_for("acme", PAYMENT, NOON_MS) == WIDER
    assert changed.fields_for("acme", PAYMENT) == WIDER
    assert changed.fields_for("other", PAYMENT, NOON_MS) == CONTRACT
    assert changed.fields_for(None, PAYMENT, NOON_MS) == CONTRACT


@pytest.mark.parametrize(
    ("fields", "log", "in_force", "changed"),
    [
        (None, (), CONTRACT, False),
        (WIDER, ((WIDER, None),), WIDER, False),
        # Before there was a log, or by hand: the contract's rule may have been in force before.
        (WIDER, (), WIDER, True),
        (CONTRACT, (), CONTRACT, False),
        # Changed by hand after the log's last entry.
        (WIDEST, ((WIDER, None),), WIDEST, True),
        (None, ((WIDER, None),), CONTRACT, True),
        (WIDER, ((CONTRACT, None), (WIDEST, NOON)), WIDER, True),
        # Changed by the command.
        (WIDER, ((CONTRACT, None), (WIDER, NOON)), WIDER, True),
        (None, ((WIDER, None), (CONTRACT, NOON)), CONTRACT, True),
    ],
)
def test_the_log_says_whether_another_rule_made_ids(
    fields: Any, log: Any, in_force: tuple[str, ...], *, changed: bool
) -> None:
    """A rule that was set by hand is in force at once, and the rules before it are known."""
    found = rules(fields, *log)

    assert found.fields_for("acme", PAYMENT, NOON_MS) == in_force
    assert found.has_changed("acme", PAYMENT) == changed
    assert not found.has_changed("other", PAYMENT)


@pytest.mark.parametrize(
    ("history", "home"),
    [
        ([CONTRACT], CONTRACT),
        ([CONTRACT, WIDER], CONTRACT),
        ([WIDER, CONTRACT], CONTRACT),
        ([WIDER, WIDEST, CONTRACT, WIDER], CONTRACT),
        ([("status", "payment_id")], CONTRACT),
        ([("user_id",)], ("user_id",)),
        ([("user_id", "status"), ("user_id",)], ("user_id",)),
        ([CONTRACT, ("user_id",)], ()),
    ],
)
def test_an_id_keeps_its_partition_when_its_rule_changes(
    history: list[tuple[str, ...]], home: tuple[str, ...]
) -> None:
    """The fields common to all rules decide it; without any, the tenant alone does."""
    found = IdRules({("acme", PAYMENT.name): tuple(Rule(n, f) for n, f in enumerate(history))})

    assert found.home_fields("acme", PAYMENT) == home


@pytest.mark.parametrize(
    "tenant",
    [
        {"id_fields": {"payment": ["payment_id"]}},
        {"id_fields": {PAYMENT.name: ["amount"]}},
        {"id_rules": {PAYMENT.name: [{"fields": ["nope"]}]}},
        {"id_rules": {PAYMENT.name: [{"fields": ["payment_id"], "since": "noon"}]}},
        {"id_rules": {PAYMENT.name: [{"fields": ["payment_id"], "since": "2026-01-15T12:00:00"}]}},
    ],
)
def test_rules_that_cannot_work_are_refused(tenant: dict[str, Any]) -> None:
    """A process does not start with them."""
    with pytest.raises(ValueError):  # noqa: PT011 - the text is read elsewhere
        rules_of_tenants({"acme": TenantIds.model_validate(tenant)})


def payment(**changes: str) -> bytes:
    """A valid payment with *changes*."""
    item = json.loads(example_text(PAYMENT))
    item["data"].update(changes)
    return json.dumps(item).encode()


@pytest.mark.parametrize(
    ("fields", "changes", "field"),
    [
        (None, {"payment_id": ""}, "payment_id"),
        (None, {"payment_id": " "}, None),
        (None, {"status": "", "type": ""}, None),
        # Statuses are few: the payment's own id has to be there.
        (WIDER, {"payment_id": ""}, "payment_id"),
        (("status", "payment_id"), {"payment_id": ""}, "payment_id"),
        (WIDER, {"status": ""}, None),
        (WIDER, {"payment_id": "", "status": ""}, "payment_id"),
        # Without the contract's id, any part may tell events apart.
        (("user_id",), {"payment_id": ""}, None),
        (("user_id",), {"user_id": ""}, "user_id"),
        (("user_id", "status"), {"user_id": ""}, None),
        (("user_id", "status"), {"user_id": "", "status": ""}, "user_id"),
    ],
)
@pytest.mark.parametrize("company", [0, 200], ids=["alone", "among many"])
def test_an_id_that_tells_no_two_events_apart_is_refused(
    fields: tuple[str, ...] | None, changes: dict[str, str], field: str | None, company: int
) -> None:
    """By the rule in force, in a request and on a topic."""
    rules = parse_id_rules({"acme": {PAYMENT.name: fields}} if fields else {})
    raws = [payment()] * company + [payment(**changes)]

    for checked in (
        check_items(raws, tenant="acme", rules=rules),
        check_records(PAYMENT, raws, owners=[("acme", 0)] * len(raws), rules=rules),
    ):
        refused = [(one.position, one.reason, one.field) for one in checked.rejected]
        assert refused == ([(company, "empty_id", f"data.{field}")] if field else [])


def test_what_earlier_versions_stored_keeps_its_empty_id() -> None:
    """The audit reads such records as they were judged."""
    raws = [payment(payment_id=""), payment()]

    (accepted,) = check_records(PAYMENT, raws, rules=AS_STORED).accepted

    assert accepted.ids == ["", json.loads(payment())["data"]["payment_id"]]
