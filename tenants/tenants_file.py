"""Reads and changes tenants.json: whole or not at all, one writer at a time.

A change is written to a new file that replaces the old one, so a reader sees the old or the new
content and a crash leaves the old one. Both files are readable by their owner only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from tenants.keys import PEPPER_BYTES, new_pepper
from tenants.tenants import TenantsFile

OWNER_ONLY: Final = 0o600

Schema = TypeVar("Schema", bound=BaseModel)


class TenantsFileError(ValueError):
    """The file is there but cannot be used; the text says which and why."""


def pepper_path(tenants_path: Path) -> Path:
    """Where the pepper of *tenants_path* lives: beside it, as tenants.pepper."""
    return tenants_path.with_suffix(".pepper")


def read_tenants(path: Path) -> TenantsFile:
    """Read *path* with `read_as`; a missing file means no tenants yet."""
    try:
        return read_as(TenantsFile, path)
    except FileNotFoundError:
        return TenantsFile()


def read_as(schema: type[Schema], path: Path) -> Schema:
    """Read *path* as *schema*.

    Raises:
        OSError: it cannot be read.
        TenantsFileError: it is not JSON of the schema; its values are not repeated in the text.
    """
    try:
        return schema.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise TenantsFileError(f"{path}: {where or 'the file'}: {first['msg']}") from None


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """What differs once *path* was replaced or written; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def read_pepper(tenants_path: Path) -> bytes:
    """Read the pepper; empty if there is none yet, and then no key can match.

    Raises:
        TenantsFileError: the file is there and is not a pepper.
    """
    path = pepper_path(tenants_path)
    try:
        pepper = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        return b""
    except ValueError:
        raise TenantsFileError(f"{path}: is not a pepper (64 hexadecimal digits)") from None
    if len(pepper) < PEPPER_BYTES:
        raise TenantsFileError(f"{path}: is shorter than {PEPPER_BYTES} bytes")
    return pepper


def change_tenants(path: Path, change: Callable[[TenantsFile, bytes], TenantsFile]) -> None:
    """Replace the content of *path* by `change(content, pepper)`, under a lock on all writers.

    The pepper is made on the first change. If *change* raises, nothing is written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(path):
        changed = change(read_tenants(path), _pepper_for_writing(path))
        replace_file(path, changed.model_dump_json(indent=2).encode() + b"\n")


def make_first_file(path: Path) -> None:
    """Make an empty tenants file for a system that never had one.

    Where there is a pepper there was a tenants file: it is not replaced by one without tenants.
    """
    if not path.exists() and not pepper_path(path).exists():
        change_tenants(path, lambda file, _: file)


def replace_file(path: Path, content: bytes) -> None:
    """Replace *path* by *content* atomically, synced, readable by its owner only."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _pepper_for_writing(path: Path) -> bytes:
    pepper = read_pepper(path)
    if pepper:
        return pepper
    if any(tenant.keys for tenant in read_tenants(path).tenants.values()):
        raise TenantsFileError(
            f"{pepper_path(path)} is gone; restore it, or no key can match again"
        )
    pepper = new_pepper()
    replace_file(pepper_path(path), pepper.hex().encode() + b"\n")
    return pepper


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    # The lock has a file of its own, because each change replaces the tenants file.
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
