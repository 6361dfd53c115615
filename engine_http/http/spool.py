"""Holds the bytes of one body: a few in memory, more in a file without a name.

The engine can read it as a file. All or nothing: a body is complete before any of it is read, so
that a body that breaks off stores nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from engine_http.engine.errors import ClickHouseError, Code

IN_MEMORY_BYTES: Final = 8 << 20
_CHUNK_BYTES: Final = 1 << 20
# What a body leaves free on the disk: twice what the engine keeps free (disk.py).
_LEAVE_FREE_BYTES: Final = 128 << 20


class Spool:
    """Bytes that are written once and then read; a context manager that deletes them at its end."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        """Hold at most *most_bytes*; a file below *directory* has what does not stay in memory."""
        self._directory = directory
        self._most_bytes = most_bytes
        self._file = os.memfd_create("body", os.MFD_CLOEXEC)
        self._on_disk = False
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the bytes."""
        os.close(self._file)

    @property
    def descriptor(self) -> int:
        """The file the bytes are in, from its beginning."""
        return self._file

    def write(self, data: bytes) -> None:
        """Append *data*.

        Raises ClickHouseError 229 when there are too many bytes, 243 when the disk has no space.
        """
        if self.size + len(data) > self._most_bytes:
            raise ClickHouseError(
                Code.QUERY_IS_TOO_LARGE,
                f"The body has more than {self._most_bytes:,} bytes, the limit of this request",
            )
        if not self._on_disk and self.size + len(data) > IN_MEMORY_BYTES:
            self._move_to_disk()
        _write(self._file, data)
        self.size += len(data)

    def write_all(self, chunks: Iterator[bytes]) -> Self:
        """Append all *chunks*."""
        for chunk in chunks:
            self.write(chunk)
        return self

    def read(self, start: int = 0, most_bytes: int = -1) -> bytes:
        """Return the bytes from *start* on, at most *most_bytes*; all if negative."""
        count = self.size - start if most_bytes < 0 else most_bytes
        return os.pread(self._file, count, start)

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from *start* on."""
        while chunk := os.pread(self._file, _CHUNK_BYTES, start):
            yield chunk
            start += len(chunk)

    def _move_to_disk(self) -> None:
        room = shutil.disk_usage(self._directory).free - _LEAVE_FREE_BYTES
        if room < self._most_bytes:
            raise _no_space()
        with tempfile.TemporaryFile(dir=self._directory, buffering=0) as file:
            moved = os.dup(file.fileno())
        for chunk in self.chunks():
            _write(moved, chunk)
        os.close(self._file)
        self._file, self._on_disk = moved, True


def _write(file: int, data: bytes) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(file, left) :]
    except OSError:
        raise _no_space() from None


def _no_space() -> ClickHouseError:
    return ClickHouseError(Code.NOT_ENOUGH_SPACE, "There is no space on the disk for this body")
