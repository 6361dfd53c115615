"""One `up` for each data directory, ports that are free, settings that make sense."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from railhead.stack.directory import DataDirectory
from railhead.stack.logfile import last_lines, open_log
from railhead.stack.ports import PortRegistry, free_port, free_ports, require_free
from railhead.stack.settings import StackError, StackSettings, parse_parts


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that a listener has taken."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_second_up_on_a_directory_is_refused(tmp_path: Path) -> None:
    """The error names the owner; afterwards the directory is free again."""
    with (
        DataDirectory(tmp_path / "d"),
        pytest.raises(StackError, match=r"in use by another .* \(pid \d+\)"),
    ):
        DataDirectory(tmp_path / "d").acquire()

    with DataDirectory(tmp_path / "d"):
        pass


def test_the_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    """It holds events of players and hashed keys."""
    with DataDirectory(tmp_path / "d") as home:
        assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in its place, for one."""
    (tmp_path / "file").touch()

    with pytest.raises(StackError, match=r"cannot use .*file/d as a data directory"):
        DataDirectory(tmp_path / "file" / "d").acquire()


async def test_a_taken_port_is_named_with_its_option(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the operator knows what to change."""
    monkeypatch.setattr("railhead.stack.ports.WAIT_SECONDS", 0.1)

    with pytest.raises(StackError, match=rf"port {taken}: it is already in use.*--kafka-port"):
        await require_free([("127.0.0.1", taken, "--kafka-port")])


async def test_an_address_of_another_machine_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not every failure is a taken port."""
    monkeypatch.setattr("railhead.stack.ports.WAIT_SECONDS", 0.1)

    with pytest.raises(StackError, match=r"192\.0\.2\.1 port 8080: Cannot assign"):
        await require_free([("192.0.2.1", 8080, "--http-port")])


def test_a_chosen_port_is_chosen_again_while_it_is_free(tmp_path: Path) -> None:
    """After restarts too; another one when a program took it."""
    port = PortRegistry(tmp_path / "ports.json").choose("controller")

    assert PortRegistry(tmp_path / "ports.json").choose("controller") == port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert PortRegistry(tmp_path / "ports.json").choose("controller") != port


def test_a_damaged_port_registry_is_started_again(tmp_path: Path) -> None:
    """The ports are simply chosen again."""
    (tmp_path / "ports.json").write_text("{")

    assert PortRegistry(tmp_path / "ports.json").choose("controller") > 0


def test_ports_chosen_together_differ() -> None:
    """The system may give out the same free port twice."""
    assert len(set(free_ports(500))) == 500


def test_two_parts_cannot_have_one_port() -> None:
    """Unless one of them does not run here, or any port will do."""
    port = free_port()
    with pytest.raises(StackError, match="same port"):
        StackSettings(data_dir=Path("d"), http_port=port, kafka_port=port)

    StackSettings(data_dir=Path("d"), http_port=port, kafka_port=port, parts=("kafka",))
    StackSettings(data_dir=Path("d"), http_port=0, kafka_port=0, clickhouse_port=0)


def test_an_unknown_part_is_refused() -> None:
    """The error lists the parts that exist."""
    assert parse_parts("kafka, clickhouse") == ("kafka", "clickhouse")
    with pytest.raises(ValueError, match="broker is not a part; parts are kafka, clickhouse"):
        parse_parts("broker")
    with pytest.raises(ValueError, match="nothing is not a part"):
        parse_parts(",")


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("box", "box")],
)
def test_the_apis_url_can_be_opened_on_this_machine(host: str, url: str) -> None:
    """An ingest API that listens everywhere is shown on loopback."""
    assert StackSettings(data_dir=Path("d"), http_host=host).http_url == f"http://{url}:8080"


def test_a_log_that_has_grown_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next start; one older file is kept."""
    monkeypatch.setattr("railhead.stack.logfile.SET_ASIDE_BYTES", 3)
    path = tmp_path / "kafka.log"
    for text in (b"first\n", b"second\n"):
        with open_log(path) as log:
            log.write(text)

    assert path.read_text() == "second\n"
    assert (tmp_path / "kafka.log.1").read_text() == "first\n"


def test_the_end_of_a_log_is_shown_without_blank_lines(tmp_path: Path) -> None:
    """And nothing of a log that is not there."""
    (tmp_path / "x.log").write_text("one\n\ntwo\nthree\n\n")

    assert last_lines(tmp_path / "x.log", count=2) == ["two", "three"]
    assert last_lines(tmp_path / "none.log", count=2) == []
