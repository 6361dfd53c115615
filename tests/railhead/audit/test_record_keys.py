"""The key of the row that a record has, as the audit reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from events.contract.examples import example_text
from events.contract.id_rules import DEFAULT_RULES
from events.contract.registry import BY_NAME
from railhead.audit.records.record_keys import keys_of, say_the_same

LOGIN = BY_NAME["realtime-login"]


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """A record as a consumer has it."""

    offset: int
    unique_id: object
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = (("tenant", b"acme"),)

    @property
    def value(self) -> bytes:
        """A login with the id."""
        item = json.loads(example_text(LOGIN))
        item["data"]["unique_id"] = self.unique_id
        return json.dumps(item).encode()


def test_an_empty_id_has_the_key_that_earlier_versions_gave_it() -> None:
    """Its row stays, and is neither foreign nor lost."""
    records = [LoginRecord(7, "a"), LoginRecord(8, ""), LoginRecord(9, 1)]

    keys = keys_of(LOGIN.topic, 0, records, DEFAULT_RULES, "")

    assert keys == {7: ("acme", "a"), 8: ("acme", ""), 9: None}
    assert say_the_same(LOGIN.topic, records[1].value, records[1].value)
