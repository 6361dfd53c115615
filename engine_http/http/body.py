"""Reads a request's body or form: decompressed and within limits."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader, web

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http import decompression
from engine_http.http import request as requests
from engine_http.http.external import MOST_TABLES, tables_of
from engine_http.http.request import Query
from engine_http.http.spool import IN_MEMORY_BYTES, Spool
from engine_http.threads import on_thread

# The most bytes of a body, both as sent and decompressed.
MAX_BODY_BYTES: Final = 256 << 20
# The most bytes of a statement, and so of an analyst's body: max_query_size of a server. The engine
# itself reads longer ones, and needs a minute for a mebibyte of `1+1+…`.
MAX_STATEMENT_BYTES: Final = 1 << 18
# The most bytes of all fields of a form together.
MAX_FORM_BYTES: Final = 1 << 20
# The most bytes of each table that an analyst sends with a query.
MAX_EXTERNAL_BYTES: Final = 1 << 20
# Bodies that are decompressed to disk at the same time: they take four times MAX_BODY_BYTES there.
_LARGE_AT_ONCE: Final = 4
_CHUNK_BYTES: Final = 1 << 18
_WORTH_A_THREAD_BYTES: Final = 1 << 12
# A server's setting: do not verify the checksums of frames.
_UNCHECKED: Final = "http_native_compression_disable_checksumming_on_decompress"
_FORM: Final = "multipart/form-data"


class Bodies:
    """Reads the bodies of requests; large ones are kept below *directory*."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._opening = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def read(self, request: web.Request, query: Query, *, most_bytes: int) -> Spool:
        """Read the body and undo its encoding; the caller closes what is returned.

        Raises ClickHouseError 229 when it has more than *most_bytes*, as sent or decompressed.
        """
        sent = self.spool(most_bytes)
        try:
            if request.can_read_body and request.content_type != _FORM:
                async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
                    sent.write(chunk)
            if not query.content_encoding and not query.decompress_native:
                return sent
        except BaseException:
            sent.close()
            raise
        found = self.spool(most_bytes)
        try:
            with sent:
                if sent.size < _WORTH_A_THREAD_BYTES and most_bytes <= IN_MEMORY_BYTES:
                    return _open_into(found, sent, query)
                async with self._opening:
                    return await on_thread(_open_into, found, sent, query)
        except BaseException:
            found.close()
            raise

    def spool(self, most_bytes: int) -> Spool:
        """Return an empty spool."""
        return Spool(self._directory, most_bytes=most_bytes)


def _open_into(found: Spool, sent: Spool, query: Query) -> Spool:
    """Write what was *sent* to *found*, without its encoding."""
    chunks = decompression.opened(
        sent.chunks(),
        query.content_encoding,
        native=query.decompress_native,
        check=query.settings.get(_UNCHECKED, "0") not in ("1", "true"),
    )
    return found.write_all(chunks)


async def with_form(
    request: web.Request, query: Query, bodies: Bodies, *, most_bytes: int
) -> Query:
    """Add the text fields of a multipart form to the query, as if they stood in the URL.

    Its files, of at most *most_bytes* each, become the query's external tables; the caller closes
    their rows.
    """
    if request.content_type != _FORM:
        return query
    files: dict[str, Spool] = {}
    try:
        fields = await _fields(request, files, lambda: bodies.spool(most_bytes))
        found, arguments = tables_of(files, itertools.chain(request.query.items(), fields))
        whole = requests.parse(request.method, arguments, request.headers)
    except BaseException:
        for rows in files.values():
            rows.close()
        raise
    return replace(whole, query_id=query.query_id, external=found)


async def _fields(
    request: web.Request, files: dict[str, Spool], spool: Callable[[], Spool]
) -> list[tuple[str, str]]:
    """Return the fields of a form as they were sent, and put its files into *files*.

    A field's own encoding is never undone.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ClickHouseError(Code.NOT_IMPLEMENTED, "A form cannot be compressed")
    fields: list[tuple[str, str]] = []
    left = MAX_FORM_BYTES
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ClickHouseError(Code.NOT_IMPLEMENTED, "A form cannot hold another form")
        if part.filename is not None:
            await _file(part, files, spool)
            continue
        value = bytearray()
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            value += chunk
            _check_form(left - len(value))
        left -= len(value) + len(part.name or "") + 1
        _check_form(left)
        fields.append((part.name or "", value.decode(errors="replace")))
    return fields


async def _file(part: BodyPartReader, files: dict[str, Spool], spool: Callable[[], Spool]) -> None:
    name = part.name or ""
    if name in files or len(files) == MOST_TABLES:
        raise ClickHouseError(
            Code.BAD_ARGUMENTS, f"External data may be {MOST_TABLES} tables of different names"
        )
    rows = files[name] = spool()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        rows.write(chunk)


def _check_form(left: int) -> None:
    if left < 0:
        raise ClickHouseError(
            Code.QUERY_IS_TOO_LARGE, f"The form has more than {MAX_FORM_BYTES:,} bytes"
        )
