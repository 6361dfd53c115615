"""Against a part that hangs every command ends soon, with the address and what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from events.contract.id_rules import DEFAULT_RULES
from railhead.audit.records import kafka_log
from railhead.cli import send
from railhead.cli.main import main
from railhead.dead_letters.dead_letter import DeadLetter
from railhead.dead_letters.replay import by_api, by_kafka
from railhead.dead_letters.replay.by_api import ByApi
from railhead.dead_letters.replay.by_kafka import ByKafka
from railhead.dead_letters.replay.items import ReplayItem
from railhead.dead_letters.replay.ways import ReplayStoppedError
from railhead.kafka.topic_admin import BrokerSilentError
from railhead.kafka.topic_plan import run_plan
from sinks import connection

SOON_SECONDS = 1.0
LOGIN = {"unique_id": "1", "user_id": "2", "timestamp": "2025-01-15T12:00:00Z"}


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """HOST:PORT of a socket whose connections the kernel takes and nobody answers."""
    monkeypatch.setattr(connection, "FIRST_ANSWER_SECONDS", SOON_SECONDS)
    for module in (send, by_api, by_kafka):
        monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", SOON_SECONDS)
    monkeypatch.setattr(kafka_log, "ANSWER_SECONDS", SOON_SECONDS)
    defaults: dict[str, Any] = run_plan.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "answer_seconds", SOON_SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    "words",
    [
        ["sql", "SELECT 1"],
        ["migrate"],
        ["reconcile"],
        ["conflicts"],
        ["rejected", "list"],
        ["rejected", "show", "0:0"],
        ["rejected", "export"],
        ["rejected", "replay", "--tenant", "acme"],
        ["tenant", "id-fields", "acme", "realtime-payment=payment_id,status"],
    ],
    ids=" ".join,
)
def test_clickhouse_hangs(
    words: list[str],
    frozen: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The wait for the first answer is short, whatever a query may take."""
    monkeypatch.setenv("RAILHEAD_CLICKHOUSE_URL", f"http://{frozen}")
    assert main(["tenant", "add", "acme", "--create", "--data-dir", str(tmp_path)]) == 0

    code = main([*words, "--data-dir", str(tmp_path)])

    said = capsys.readouterr().err
    assert code != 0
    assert f"ClickHouse at http://{frozen}" in said
    assert "does not answer" in said
    assert "--clickhouse-url" in said


@pytest.mark.parametrize("words", [["topics"], ["topics", "--check"]], ids=" ".join)
def test_kafka_hangs(words: list[str], frozen: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when topics are to be created."""
    assert main([*words, "--bootstrap", frozen]) == 1

    said = capsys.readouterr().err
    assert f"Kafka at {frozen} (from --bootstrap) does not answer" in said


async def test_kafka_hangs_when_the_audit_reads_it(frozen: str) -> None:
    """`railhead reconcile` has found ClickHouse by then."""
    with pytest.raises(BrokerSilentError, match=frozen):
        async with kafka_log.open_log(frozen):
            pass


def test_the_ingest_api_hangs(
    frozen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is read or sent before it has answered once."""
    file = tmp_path / "items.json"
    file.write_text(json.dumps([{"event": "realtime-login", "data": LOGIN}]))

    assert main(["send", str(file), "--key", "k", "--api-url", f"http://{frozen}"]) == 1

    said = capsys.readouterr().err
    assert f"the ingest API at http://{frozen} (from --api-url) does not answer: timed out" in said


@pytest.mark.parametrize("name", ["kafka", "ingest API"])
def test_the_way_of_a_replay_hangs(name: str, frozen: str) -> None:
    """The replay stops; what was sent before is recorded."""
    way: ByApi | ByKafka = ByApi(f"http://{frozen}", "k")
    if name == "kafka":
        way = ByKafka(frozen, tenant="acme", request_id="r", rules=DEFAULT_RULES)
    raw = json.dumps({"event": "realtime-login", "data": LOGIN}).encode()
    item = ReplayItem(Mock(spec=DeadLetter), raw)

    with pytest.raises(ReplayStoppedError):
        way.send([item])
    way.close()
