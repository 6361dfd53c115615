"""The advice fits how the part was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from railhead.doctor.advice import Advisor, StartedBy, in_container
from railhead.stack.addresses import (
    API_ENDPOINT,
    CLICKHOUSE_ENDPOINT,
    KAFKA_ENDPOINT,
    Address,
    Endpoint,
    StackRecord,
)

NOTHING = StackRecord({}, "no stack runs on d")
HERE = StackRecord({"kafka": "127.0.0.1:1"}, "d/addresses.json")
KAFKA = Address(KAFKA_ENDPOINT, "127.0.0.1:1", "d/addresses.json")


def started_by(
    endpoint: Endpoint,
    value: str,
    *,
    record: StackRecord = NOTHING,
    is_default: bool = False,
    in_container: bool = False,
) -> StartedBy:
    """How the part at *value* was started."""
    advisor = Advisor(Path("d"), record, in_container)
    return advisor.started_by(Address(endpoint, value, "s", is_default))


def test_how_a_part_was_started() -> None:
    """By what `railhead up` wrote, the names of docker-compose.yml, and who gave the address."""
    ended = HERE._replace(has_ended=True)

    assert started_by(KAFKA_ENDPOINT, "127.0.0.1:1", record=HERE) is StartedBy.UP
    assert started_by(KAFKA_ENDPOINT, "127.0.0.1:1", record=ended) is StartedBy.ENDED_UP
    assert started_by(KAFKA_ENDPOINT, "127.0.0.1:2", record=HERE) is StartedBy.HAND
    assert started_by(KAFKA_ENDPOINT, "kafka:19092") is StartedBy.COMPOSE
    assert started_by(API_ENDPOINT, "http://door:8080") is StartedBy.COMPOSE
    assert started_by(KAFKA_ENDPOINT, "k:1", in_container=True) is StartedBy.COMPOSE
    assert started_by(CLICKHOUSE_ENDPOINT, "http://c:1", is_default=True) is StartedBy.NOBODY


@pytest.mark.parametrize(
    ("record", "address", "advice"),
    [
        (HERE, KAFKA, "up.log and kafka*.log in d/logs"),
        (HERE._replace(has_ended=True), KAFKA, "`railhead up --data-dir d`"),
        (
            NOTHING,
            Address(CLICKHOUSE_ENDPOINT, "http://clickhouse:8123", "RAILHEAD_CLICKHOUSE_URL"),
            "docker compose restart clickhouse",
        ),
        (
            NOTHING,
            Address(API_ENDPOINT, "http://a:1", "--api-url"),
            "`systemctl restart railhead-door`, or correct its address (--api-url)",
        ),
        (
            NOTHING,
            Address(KAFKA_ENDPOINT, "k:1", "RAILHEAD_KAFKA_BOOTSTRAP"),
            "correct its address (RAILHEAD_KAFKA_BOOTSTRAP)",
        ),
        (NOTHING, KAFKA._replace(is_default=True), "`railhead up` starts everything"),
    ],
)
def test_the_advice_is_what_works_there(record: StackRecord, address: Address, advice: str) -> None:
    """No advice starts a second stack beside the one that is ill."""
    assert advice in Advisor(Path("d"), record, in_container=False).about(address)


def test_workers_are_started_as_the_broker_was() -> None:
    """They have no address of their own."""
    address = Address(KAFKA_ENDPOINT, "kafka:19092", "s")

    said = Advisor(Path("d"), NOTHING, in_container=False).about_workers(address)

    assert "docker compose up -d worker" in said


def test_a_container_is_recognised(tmp_path: Path) -> None:
    """By the marks of Docker and Podman."""
    assert not in_container(tmp_path, {})
    assert in_container(tmp_path, {"container": "podman"})
    (tmp_path / ".dockerenv").touch()
    assert in_container(tmp_path, {})
