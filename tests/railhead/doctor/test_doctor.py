"""`railhead doctor` finds what keeps Railhead from working, and says what to do."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from aiohttp import ClientTimeout

from railhead.cli.main import main
from railhead.doctor import machine, settings
from railhead.doctor.finding import State
from railhead.doctor.parts import database, ingest_api, kafka
from railhead.doctor.ports import by
from railhead.kafka.pins import pinned
from railhead.stack.ports import free_port


def states(findings: list[dict[str, str]]) -> dict[str, str]:
    """Return the state of each check, the worst where there are several."""
    order = [state.value for state in State]
    worst: dict[str, str] = {}
    for finding in findings:
        check, state = finding["check"], finding["state"]
        worst[check] = max(worst.get(check, "ok"), state, key=order.index)
    return worst


def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each part that does not answer fails with advice; the exit code says so."""
    nowhere = f"127.0.0.1:{free_port()}"
    code = main(
        [
            *("doctor", "--json", "--data-dir", str(tmp_path / "data")),
            *("--url", f"http://{nowhere}", "--bootstrap", nowhere),
            *("--clickhouse-url", f"http://{nowhere}"),
        ]
    )
    findings = json.loads(capsys.readouterr().out)

    assert code == 1
    assert {name for name, state in states(findings).items() if state == "fail"} == {
        "kafka",
        "door",
        "clickhouse",
    }
    assert all(finding["advice"] for finding in findings if finding["state"] != "ok")


def test_parts_that_accept_connections_and_do_not_answer_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process does that hangs: the kernel still takes connections for it."""
    for module in (database, kafka):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 1)
    monkeypatch.setattr(ingest_api, "API_TIMEOUT", ClientTimeout(total=1))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as frozen:
        address = f"127.0.0.1:{frozen.getsockname()[1]}"
        code = main(
            [
                *("doctor", "--json", "--data-dir", str(tmp_path)),
                *("--api-url", f"http://{address}", "--bootstrap", address),
                *("--clickhouse-url", f"http://{address}"),
            ]
        )
    findings = {one["check"]: one for one in json.loads(capsys.readouterr().out)}

    assert code == 1
    for check in ("kafka", "workers", "door", "clickhouse", "lag", "gaps"):
        assert address in findings[check]["says"], findings[check]
        assert "does not answer" in findings[check]["says"], findings[check]
        assert findings[check]["advice"]
    for check in ("kafka", "door", "clickhouse"):
        assert findings[check]["state"] == "fail"


def test_secrets_are_not_shown() -> None:
    """Neither a password nor one inside an address."""
    environ = {
        "RAILHEAD_CLICKHOUSE_PASSWORD": "hunter2",
        "RAILHEAD_KEY": "hunter2",
        "RAILHEAD_CLICKHOUSE_URL": "http://somebody:hunter2@127.0.0.1:8123",
    }
    said = " ".join(finding.says for finding in settings.look(environ))

    assert "hunter2" not in said
    assert "RAILHEAD_CLICKHOUSE_PASSWORD=***" in said


def test_misspelt_setting_is_named() -> None:
    """A variable that no process reads has no effect, though its author expects one."""
    findings = list(settings.look({"RAILHEAD_HTTP_PROT": "80"}))

    assert [f.state for f in findings if "RAILHEAD_HTTP_PROT" in f.says] == [State.OK, State.WARN]


def test_wrong_setting_is_named_and_its_value_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that would not start is already a failure here."""
    monkeypatch.setenv("RAILHEAD_HTTP_PORT", "eighty")
    failed = [f for f in settings.look({}) if f.state is State.FAIL]

    assert len(failed) == 1
    assert "RAILHEAD_HTTP_PORT" in failed[0].says
    assert "eighty" not in failed[0].says


def test_data_directory_open_to_others_is_a_warning(tmp_path: Path) -> None:
    """It holds players' data and hashed keys."""
    tmp_path.chmod(0o755)

    assert machine.directory(tmp_path).state is State.WARN
    tmp_path.chmod(0o700)
    assert machine.directory(tmp_path).state is State.OK


def test_a_port_is_shown_with_the_program_that_has_it() -> None:
    """Another program on a port of ours is found without further tools."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"(pid {os.getpid()})" in by(port)
    assert by(port) == ""


def test_space_is_shown_in_a_unit_that_fits() -> None:
    """40 MiB are not "0.0 GiB"."""
    assert [machine.size(count) for count in (40 << 20, 5 << 30)] == ["40 MiB", "5.0 GiB"]
    assert "%)" in machine.disk(Path()).says


def test_the_libraries_are_those_that_we_rely_on() -> None:
    """Their insides are replaced, so another version may lose events silently."""
    found = machine.libraries()

    assert found.state is State.OK
    assert "faust-streaming" in found.says


def test_jar_with_other_content_is_a_failure(tmp_path: Path) -> None:
    """What is not the pinned jar must not run."""
    assert machine.jars(tmp_path).state is State.WARN
    (tmp_path / pinned()[0].file_name).write_bytes(b"something else")
    assert machine.jars(tmp_path).state is State.FAIL
