"""The one-machine broker is closed to the network and keeps what it acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from railhead.kafka.broker import Broker
from railhead.kafka.java import Java, major_version
from railhead.kafka.settings import server_properties


def properties(*, data: str = "/d", fsync: bool = False) -> dict[str, str]:
    """The settings as a mapping."""
    text = server_properties(port=9092, controller_port=9093, data=Path(data), fsync=fsync)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_listener_is_on_loopback() -> None:
    """Nobody outside this machine reaches broker or controller."""
    listeners = properties()["listeners"].split(",")

    assert listeners == ["PLAINTEXT://127.0.0.1:9092", "CONTROLLER://127.0.0.1:9093"]


def test_no_topic_is_created_by_a_typing_error() -> None:
    """Only `railhead topics` creates topics."""
    assert properties()["auto.create.topics.enable"] == "false"


def test_fsync_forces_every_append_to_the_disk() -> None:
    """Only when asked for: it costs round trips."""
    assert properties(fsync=True)["log.flush.interval.messages"] == "1"
    assert "log.flush.interval.messages" not in properties()


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/with space/d", "/with space/d"),
        ("/back\\slash", "/back\\\\slash"),
        ("/données", "/donn\\u00e9es"),
        ("/🚂", "/\\ud83d\\ude82"),
    ],
)
def test_any_path_survives_the_properties_file(path: str, written: str) -> None:
    """Such a file is Latin-1, with a backslash for an escape."""
    assert properties(data=path)["log.dirs"] == written


def test_a_comma_in_the_path_is_refused() -> None:
    """Kafka would take it for two directories."""
    with pytest.raises(ValueError, match="comma"):
        properties(data="/a,b")


@pytest.mark.parametrize(
    ("banner", "major"),
    [
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "17" 2021-09-14', 17),
        ("command not found", None),
    ],
)
def test_the_version_is_read_from_javas_banner(banner: str, major: int | None) -> None:
    """Old ones begin with 1."""
    assert major_version(banner) == major


def test_an_older_java_gets_no_option_it_does_not_know() -> None:
    """With an unknown option Java does not start."""
    option = "--sun-misc-unsafe-memory-access=allow"

    assert option not in Java("java", 17).options()
    assert option in Java("java", 25).options()


def test_formatting_that_did_not_end_is_done_again(tmp_path: Path) -> None:
    """The data directory appears only when formatting was finished."""
    broker = Broker(directory=tmp_path / "kafka", java=Java("java", 25), class_path="x.jar")
    broker.prepare_format()
    broker.unfinished.mkdir()
    (broker.unfinished / "meta.properties").touch()

    assert not broker.is_formatted()
    broker.prepare_format()
    assert not broker.unfinished.exists()
