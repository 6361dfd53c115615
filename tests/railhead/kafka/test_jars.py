"""The broker runs exactly what was pinned, or not at all."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from pathlib import Path

import pytest

from railhead.kafka import jar_cache
from railhead.kafka.jar_cache import JarError, ensure_jars, jar_directory
from railhead.kafka.pins import Jar, parse, pinned


def say_nothing(_line: str) -> None:
    """Progress does not matter here."""


@pytest.fixture
def one_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A jar directory that holds the only pinned jar."""
    content = b"a jar"
    jar = Jar("org.example", "thing", "1.0", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(jar_cache, "pinned", lambda: (jar,))
    path = tmp_path / jar.file_name
    path.write_bytes(content)
    return path


def test_a_jar_as_pinned_is_used_without_the_network(one_jar: Path) -> None:
    """With all jars present nothing is fetched."""
    found = ensure_jars(one_jar.parent, say=pytest.fail, stop=threading.Event())

    assert [one_jar] == found


def test_an_altered_jar_is_refused(one_jar: Path) -> None:
    """The error names the file, both checksums and what to do."""
    one_jar.write_bytes(b"something else")

    with pytest.raises(JarError, match=r"thing-1\.0\.jar is not the pinned .* Delete the file"):
        ensure_jars(one_jar.parent, say=say_nothing, stop=threading.Event())


def test_an_extra_jar_is_checked_like_the_pinned_ones(one_jar: Path) -> None:
    """Kafka's tools, which tests use, are not part of the broker."""
    other = Jar("org.example", "tools", "1.0", hashlib.sha256(b"tools").hexdigest())
    path = one_jar.with_name(other.file_name)
    path.write_bytes(b"tools")
    ensure = partial(
        ensure_jars, one_jar.parent, say=say_nothing, stop=threading.Event(), extra=[other]
    )

    assert ensure() == [one_jar, path]
    path.write_bytes(b"tool")
    with pytest.raises(JarError, match=r"tools-1\.0\.jar is not the pinned"):
        ensure()


def test_a_fetched_jar_of_another_content_never_enters_the_directory(
    one_jar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the network delivers is checked before it is kept."""
    one_jar.unlink()
    monkeypatch.setattr("jgo.maven.MavenContext", WrongRepository)

    with pytest.raises(JarError, match=r"cannot fetch org\.example:thing:1\.0"):
        ensure_jars(one_jar.parent, say=say_nothing, stop=threading.Event())

    assert list(tmp_path.iterdir()) == []


class WrongRepository:
    """A repository in which every file has other content."""

    def __init__(self, *, repo_cache: Path, **_options: object) -> None:
        self.cached_path = repo_cache / "fetched.jar"

    def project(self, _group: str, _artifact: str) -> WrongRepository:
        """Any project."""
        return self

    def at_version(self, _version: str) -> WrongRepository:
        """Any version."""
        return self

    def artifact(self) -> WrongRepository:
        """Any file."""
        return self

    def resolve(self) -> Path:
        """The file, with content that is not the pinned one."""
        self.cached_path.write_bytes(b"not what was locked")
        return self.cached_path


def test_the_list_is_complete_and_of_one_kafka() -> None:
    """No file name twice (one would overwrite the other), all of Kafka of one version."""
    jars = pinned()
    names = [jar.file_name for jar in jars]

    assert len(set(names)) == len(names)
    assert {len(jar.sha256) for jar in jars} == {64}
    assert len({jar.version for jar in jars if jar.group == "org.apache.kafka"}) == 1
    assert len({jar.version for jar in jars if jar.group == "org.apache.logging.log4j"}) == 1


def test_comments_and_blank_lines_of_the_list_are_skipped() -> None:
    """Each other line is a checksum and coordinates."""
    assert (Jar("g", "a", "1", "ff"),) == parse("# list\n\nff  g:a:1\n")


def test_the_jar_directory_is_the_users_cache() -> None:
    """Ours first, then XDG's, then ~/.cache."""
    home = Path("~").expanduser()

    assert Path("/r/jars") == jar_directory({"RAILHEAD_CACHE_DIR": "/r", "XDG_CACHE_HOME": "/x"})
    assert Path("/x/railhead/jars") == jar_directory({"XDG_CACHE_HOME": "/x"})
    assert home / ".cache/railhead/jars" == jar_directory({})
