"""Fetches the pinned jars once for each user and checks their content before each start.

A jar is renamed into the directory after its checksum was found right: a crash while fetching
leaves no half file, and what had arrived before is not fetched again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from railhead.kafka.pins import Jar, pinned, sha256_of

PARALLEL_FETCHES: Final = 8
ATTEMPTS: Final = 3
NETWORK_TIMEOUT_SECONDS: Final = 20
ABANDONED_AFTER_SECONDS: Final = 3600.0


class JarError(Exception):
    """The jars cannot be used; the text says what to do."""


class FetchStoppedError(Exception):
    """The caller asked to stop while jars were being fetched."""


def jar_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """`$RAILHEAD_CACHE_DIR/jars`, else `railhead/jars` in the user's cache (XDG)."""
    if own := environ.get("RAILHEAD_CACHE_DIR"):
        return Path(own).expanduser().absolute() / "jars"
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser().absolute() / "railhead" / "jars"


def ensure_jars(
    directory: Path,
    *,
    say: Callable[[str], None],
    stop: threading.Event,
    extra: Iterable[Jar] = (),
) -> list[Path]:
    """Return the class path of the pinned jars and the *extra* ones.

    What is missing is fetched, and every file is checked.

    Every start reads all 45 MB: about a tenth of a second, and nothing unchecked ever runs.

    Raises:
        JarError: a file does not have the content than pinned, or cannot be fetched.
        FetchStoppedError: *stop* was set.
    """
    jars = [*pinned(), *extra]
    missing = [jar for jar in jars if not (directory / jar.file_name).exists()]
    if missing:
        _fetch(missing, directory, say=say, stop=stop)
    for jar in set(jars).difference(missing):
        _check(jar, directory / jar.file_name)
    return [directory / jar.file_name for jar in jars]


def _check(jar: Jar, path: Path) -> None:
    found = sha256_of(path)
    if found != jar.sha256:
        msg = (
            f"{path} is not the pinned {jar.coordinates}: SHA-256 {found}, expected {jar.sha256}. "
            "Delete the file to fetch it again; if that does not help, do not run it."
        )
        raise JarError(msg)


def _fetch(
    jars: list[Jar], directory: Path, *, say: Callable[[str], None], stop: threading.Event
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _sweep(directory)
    begun = time.monotonic()
    say(f"fetching Kafka: {len(jars)} jars, once, into {directory}")
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as area:
        context = _maven(Path(area), stop)
        with ThreadPoolExecutor(PARALLEL_FETCHES, thread_name_prefix="fetch") as pool:
            waiting = [pool.submit(_fetch_one, context, jar, directory) for jar in jars]
            try:
                for count, done in enumerate(as_completed(waiting), start=1):
                    done.result()
                    if count % 10 == 0:
                        say(f"fetching Kafka: {count} of {len(jars)} jars")
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    say(f"Kafka's jars fetched and checked in {time.monotonic() - begun:.1f} s")


def _fetch_one(context: Any, jar: Jar, directory: Path) -> None:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            fetched = artifact.resolve()
            _check(jar, fetched)
            _keep(fetched, directory / jar.file_name)
        except FetchStoppedError:
            raise
        except Exception as exc:
            # The resolver takes a half file that a failed try left for a complete one.
            artifact.cached_path.unlink(missing_ok=True)
            if attempt == ATTEMPTS:
                msg = f"cannot fetch {jar.coordinates} ({exc}); the network is needed once"
                raise JarError(msg) from exc
        else:
            return


def _keep(fetched: Path, target: Path) -> None:
    with fetched.open("rb") as file:
        os.fsync(file.fileno())
    fetched.replace(target)


def _sweep(directory: Path) -> None:
    """Remove what a killed fetch left; a fetch that another process is doing stays."""
    for area in directory.glob(".fetch-*"):
        if time.time() - area.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(area, ignore_errors=True)


def _maven(area: Path, stop: threading.Event) -> Any:
    # Imported here: a start that has all jars needs neither jgo nor its HTTP client.
    try:
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    except ImportError as exc:
        raise JarError("fetching Kafka needs the package jgo: install railhead[onebox]") from exc

    @contextmanager
    def watch(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        def update(_count: int) -> None:
            if stop.is_set():
                raise FetchStoppedError

        yield update

    return MavenContext(
        resolver=PythonResolver(progress_callback=watch),
        repo_cache=area,
        timeout=NETWORK_TIMEOUT_SECONDS,
    )


def class_path(jars: Iterable[Path]) -> str:
    """What `java -cp` takes."""
    return os.pathsep.join(str(jar) for jar in jars)
