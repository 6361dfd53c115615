"""Checks this machine: Python, Java, jars, engine, data directory, disk."""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.ports import ports
from railhead.doctor.target import Target
from railhead.doctor.tenants import tenants
from railhead.kafka.jar_cache import jar_directory
from railhead.kafka.java import JavaError, find_java
from railhead.kafka.pins import pinned, sha256_of

MIB: Final = 1 << 20
GIB: Final = 1 << 30
LITTLE_SPACE_BYTES: Final = 5 * GIB
NO_SPACE_BYTES: Final = GIB
FEW_FILES: Final = 4096


def look(target: Target) -> Iterator[DoctorFinding]:
    """Look at everything that can be seen without asking a part."""
    yield python()
    yield libraries()
    yield from onebox()
    yield directory(target.data_dir)
    yield tenants(target.tenants_file)
    yield disk(target.data_dir)
    yield open_files()
    yield ports(target)


def python() -> DoctorFinding:
    """Look at the interpreter."""
    version = platform.python_version()
    return ok("python", f"Python {version} on {platform.system()} {platform.machine()}")


def libraries() -> DoctorFinding:
    """Compare the libraries on whose insides we rely with the versions that we are tested with."""
    wanted = [
        requirement.split("==")
        for requirement in importlib.metadata.requires("railhead") or ()
        if "==" in requirement and ";" not in requirement
    ]
    wrong = [
        f"{name} is {has}, not {version}"
        for name, version in wanted
        if (has := importlib.metadata.version(name)) != version
    ]
    if wrong:
        advice = "Install what requirements/server.txt pins: another version loses events silently."
        return fail("libraries", ", ".join(wrong), advice)
    return ok("libraries", ", ".join(" ".join(pair) for pair in wanted))


def onebox() -> Iterator[DoctorFinding]:
    """Look at what only the one-machine stack needs; without it there is nothing to look at."""
    if importlib.util.find_spec("chdb") is None:
        yield ok("one-machine stack", "not installed here; broker and database are elsewhere")
        return
    yield ok("engine", f"chdb {importlib.metadata.version('chdb')}")
    try:
        java = find_java()
    except JavaError as error:
        yield fail("java", str(error), "Install the extra: pip install railhead[onebox].")
    else:
        yield ok("java", f"Java {java.major} ({java.executable})")
    yield jars(jar_directory())


def jars(where: Path) -> DoctorFinding:
    """Look whether Kafka's jars are there and are the pinned ones."""
    wanted = pinned()
    there = [jar for jar in wanted if (where / jar.file_name).exists()]
    wrong = [jar.file_name for jar in there if sha256_of(where / jar.file_name) != jar.sha256]
    if wrong:
        says = f"{', '.join(wrong)} in {where} do not have the pinned content"
        return fail("kafka jars", says, "Delete them; the next start fetches them again.")
    if len(there) < len(wanted):
        says = f"{len(there)} of {len(wanted)} in {where}"
        return warn(
            "kafka jars", says, "The next `railhead up` fetches the rest; it needs the network."
        )
    return ok("kafka jars", f"all {len(wanted)} in {where}, checksums right")


def directory(data_dir: Path) -> DoctorFinding:
    """Look at the data directory: whose it is, who may read it, and whether a stack runs on it."""
    if not data_dir.exists():
        parent = next(path for path in data_dir.absolute().parents if path.exists())
        if os.access(parent, os.W_OK):
            return ok("data directory", f"{data_dir} does not exist yet and can be created")
        return fail("data directory", f"{parent} cannot be written", "Choose another --data-dir.")
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        return fail(
            "data directory",
            f"{data_dir} belongs to another user",
            "Run as the user it belongs to.",
        )
    if stat.S_IMODE(data_dir.stat().st_mode) & 0o077:
        return warn(
            "data directory",
            f"others may look into {data_dir}",
            f"Close it: chmod 700 {data_dir}. It holds players' data and hashed keys.",
        )
    return ok("data directory", f"{data_dir}, {_user(data_dir)}")


def _user(data_dir: Path) -> str:
    """Say whether a stack runs on *data_dir*: it then holds the lock, which is left alone."""
    try:
        with (data_dir / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except BlockingIOError:
        return "a stack runs on it"
    return "no stack runs on it"


def disk(data_dir: Path) -> DoctorFinding:
    """Look at the free space on the disk of the data directory."""
    target = next(
        path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists()
    )
    usage = shutil.disk_usage(target)
    says = f"{size(usage.free)} of {size(usage.total)} free ({usage.free / usage.total:.0%})"
    if usage.free < NO_SPACE_BYTES:
        return fail("disk", says, "Free some space; Kafka stops when the disk is full.")
    if usage.free < LITTLE_SPACE_BYTES:
        return warn(
            "disk", says, "Free some space soon, or shorten RAILHEAD_EVENT_RETENTION_HOURS."
        )
    return ok("disk", says)


def size(count: int) -> str:
    """A number of bytes in the unit that shows it best."""
    return f"{count / GIB:,.1f} GiB" if count >= GIB else f"{count / MIB:,.0f} MiB"


def open_files() -> DoctorFinding:
    """Look at how many files and connections a process may hold."""
    import resource  # noqa: PLC0415  not on every platform

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FEW_FILES:
        return warn("open files", f"{soft} at most", "Raise it: ulimit -n 65536, or LimitNOFILE=.")
    return ok("open files", f"{soft:,} at most")
