"""A command that waits says what for."""

from __future__ import annotations

import threading

import pytest

from railhead import waiting
from railhead.waiting import each_waiting_for, waiting_for

ENOUGH_SECONDS = 30


def test_a_long_wait_is_reported_once_with_its_reason_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is asked for when it is reported."""
    monkeypatch.setattr(waiting, "SAID_AFTER_SECONDS", 0.01)
    said, reported = [], threading.Event()
    reason = "nothing yet"

    def say(line: str) -> None:
        said.append(line)
        reported.set()

    with waiting_for(lambda: reason, say=say):
        reason = "Kafka"
        assert reported.wait(ENOUGH_SECONDS)

    assert said == ["waiting for Kafka"]


def test_a_short_wait_is_not_reported() -> None:
    """Two seconds are not long."""
    said: list[str] = []

    with waiting_for("Kafka", say=said.append):
        pass

    assert waiting.SAID_AFTER_SECONDS == 2
    assert said == []


def test_items_pass_unchanged() -> None:
    """In order, until there are no more."""
    assert list(each_waiting_for("Kafka", iter([1, 2, 3]))) == [1, 2, 3]
