"""Reads items from a JSON array or one item a line, plain or gzip, never all at once.

Items are extracted byte for byte: an amount's digits reach the ingest API as they were written.
What is not JSON cannot be put into a batch and is returned as `NotJson`, with its position.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import msgspec

CHUNK_BYTES: Final = 256 * 1024
LONGEST_ITEM_BYTES: Final = 16 * 1024 * 1024

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
# To the next delimiter outside a string; no match if the buffer ends first: read more.
_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NEXT_DELIMITER: Final = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+([\[\]{},])", re.DOTALL)
_NEXT_BRACKET: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+([\[\]{}])", re.DOTALL)
_CHECK: Final = msgspec.json.Decoder(msgspec.Raw)


class UnreadableError(Exception):
    """The file is not what `send` reads; the text says why."""


class FileItem(NamedTuple):
    """One item as it is in the file; `position` counts lines, or items of an array, from 1."""

    position: int
    raw: bytes


class NotJson(NamedTuple):
    """Something where an item should be that is not JSON."""

    position: int
    message: str
    raw: bytes


class Source:
    """An open file of items: `plain` reads it decompressed, `at_bytes` says how far that got."""

    def __init__(self, file: io.RawIOBase, size_bytes: int | None) -> None:
        self.size_bytes = size_bytes
        self._file = file
        buffered = io.BufferedReader(file, CHUNK_BYTES)
        # Decided by the content, not by the file's name: standard input has none.
        is_gzip = buffered.peek(2)[:2] == _GZIP_MAGIC
        self.plain = cast("BinaryIO", gzip.GzipFile(fileobj=buffered) if is_gzip else buffered)

    def at_bytes(self) -> int:
        """Return how many bytes of the file were read; 0 where that is unknown."""
        return self._file.tell() if self.size_bytes else 0


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """Open *name*; `-` is standard input.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    if name == "-":
        yield Source(cast("io.RawIOBase", sys.stdin.buffer), None)
        return
    path = Path(name)
    with path.open("rb", buffering=0) as file:
        yield Source(file, path.stat().st_size)


def items(file: BinaryIO) -> Iterator[FileItem | NotJson]:
    """Yield every item of *file*, in order, holding one item and one chunk at a time.

    Raises:
        UnreadableError: an array does not end, an item is larger than 16 MiB, gzip is damaged.
    """
    try:
        chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
        head = b""
        for chunk in chunks:
            head += chunk
            if head.removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACE):
                break
        head = head.removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACE)
        is_array = head[:1] == b"["
        split = _elements if is_array else _lines
        for position, raw in enumerate(split(head, chunks), 1):
            if raw or is_array:
                yield _checked(position, raw)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"the gzip data is damaged: {error}"
        raise UnreadableError(msg) from None


def _checked(position: int, raw: bytes) -> FileItem | NotJson:
    try:
        _CHECK.decode(raw)
    except msgspec.DecodeError as error:
        return NotJson(position, str(error), raw)
    return FileItem(position, raw)


def _lines(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each line without its white space; empty lines too, for they count."""
    rest = head
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.strip(_SPACE) for line in whole)
        _bounded(rest)
    yield from (line.strip(_SPACE) for line in rest.split(b"\n"))


class _Elements:
    """Extracts the elements of arrays (one, or several in a row) as bytes come in."""

    def __init__(self) -> None:
        self._buffer = b""
        self._scanned = 0
        self._depth = 0
        self._expects_element = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take *chunk*; yield each element that ends in it, without white space around it."""
        buffer, start, at, depth = self._buffer + chunk, 0, self._scanned, self._depth
        while found := (_NEXT_BRACKET if depth > 1 else _NEXT_DELIMITER).match(buffer, at):
            delimiter, at = found[1], found.end()
            if depth == 1 and delimiter in b",]":
                element = buffer[start : at - 1].strip(_SPACE)
                if element or self._expects_element or delimiter == b",":
                    yield element
                self._expects_element = delimiter == b","
                start = at
            elif depth == 0:
                _nothing_before(buffer[start : at - 1] + (b"" if delimiter == b"[" else delimiter))
                start = at
            depth += (delimiter in b"[{") - (delimiter in b"]}")
        self._buffer, self._scanned, self._depth = buffer[start:], at - start, depth
        _bounded(self._buffer)

    def end(self) -> None:
        """Say that no more comes.

        Raises:
            UnreadableError: an array is still open.
        """
        if self._depth:
            raise UnreadableError("the array does not end; is the file split off?")
        _nothing_before(self._buffer)


def _elements(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    elements = _Elements()
    yield from elements.feed(head)
    for chunk in chunks:
        yield from elements.feed(chunk)
    elements.end()


def _nothing_before(between: bytes) -> None:
    if between.strip(_SPACE):
        raise UnreadableError("there is text outside the array; send reads arrays or lines")


def _bounded(item: bytes) -> None:
    if len(item) > LONGEST_ITEM_BYTES:
        msg = f"an item is longer than {LONGEST_ITEM_BYTES >> 20} MiB; is this a file of items?"
        raise UnreadableError(msg)
