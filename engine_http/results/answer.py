"""Sends an answer: headers, compression, and an error in the middle of a stream."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from engine_http.engine.errors import ClickHouseError
from engine_http.http import encodings
from engine_http.http.frames import FramePacker
from engine_http.http.request import Query
from engine_http.results.formats import content_type
from engine_http.results.progress import PROGRESS

# A client that reads nothing for so long is gone; its statement must not block a thread.
STALL_SECONDS = 60.0
_WORTH_A_THREAD_BYTES = 1 << 16
Headers = dict[str, str]
FRAMES = "frames"


def headers(timezone: str, query: Query | None) -> Headers:
    """The headers every answer to a statement has."""
    common = {"X-ClickHouse-Server-Display-Name": "railhead", "X-ClickHouse-Timezone": timezone}
    return {**common, "X-ClickHouse-Query-Id": query.query_id} if query else common


def result_headers(common: Headers, output_format: str) -> Headers:
    """The headers of an answer that carries a result."""
    return {
        **common,
        "X-ClickHouse-Format": output_format,
        "Content-Type": content_type(output_format),
    }


def lowered_headers(changed: Mapping[str, str]) -> Headers:
    """The header that names the lowered limits, if there are any."""
    changes = ", ".join(f"{name}={value}" for name, value in sorted(changed.items()))
    return {"X-Railhead-Lowered": changes} if changes else {}


def error(failure: ClickHouseError, common: Headers, version: str) -> web.Response:
    """The answer to a statement that failed before anything was sent."""
    return web.Response(
        status=failure.status,
        body=failure.body(version).encode(),
        headers={
            **common,
            "X-ClickHouse-Exception-Code": str(failure.code),
            "Content-Type": "text/plain; charset=UTF-8",
        },
    )


def encoding_for(query: Query) -> str:
    """The encoding the client can read, if it asked for any.

    As on a server, both the header and the setting are needed. Frames (`compress=1`) exclude it.
    """
    if query.compress_native:
        return FRAMES
    wanted = query.settings.get("enable_http_compression", "0").lower() in ("1", "true")
    return encodings.choose(query.accept_encoding) if wanted else ""


def _encoding_header(encoding: str) -> Headers:
    return {"Content-Encoding": encoding} if encoding not in ("", FRAMES) else {}


def _packer(encoding: str) -> encodings.Packer:
    return FramePacker() if encoding == FRAMES else encodings.packer(encoding)


def _packed(encoding: str, body: bytes) -> bytes:
    packer = _packer(encoding)
    return packer.compress(body) + packer.flush()


async def whole(query: Query, body: bytes, head: Headers) -> web.Response:
    """An answer whose body is complete."""
    encoding = encoding_for(query)
    if encoding and body:
        head = {**head, **_encoding_header(encoding)}
        if len(body) > _WORTH_A_THREAD_BYTES:
            body = await asyncio.to_thread(_packed, encoding, body)
        else:
            body = _packed(encoding, body)
    return web.Response(body=body, headers=head)


class AnswerStream:
    """An answer sent as the engine produces it."""

    def __init__(self, request: web.Request, query: Query, head: Headers) -> None:
        self._request = request
        self._tag = secrets.token_hex(8)
        encoding = encoding_for(query)
        self._packer = _packer(encoding) if encoding else None
        packed = _encoding_header(encoding)
        self.response = request[PROGRESS].stream(
            {**head, **packed, "X-ClickHouse-Exception-Tag": self._tag}
        )

    async def send(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        """Send all chunks at the client's pace.

        Raises TimeoutError when the client reads nothing, ConnectionError when it has left.
        """
        await self.response.prepare(self._request)
        await self._write(first)
        async for chunk in rest:
            await self._write(chunk)

    async def finish(self) -> None:
        """End the complete answer."""
        if self._packer is not None:
            await self._flush(self._packer.flush())
        await self.response.write_eof()

    async def fail(self, failure: ClickHouseError, version: str) -> None:
        """End the answer so that no client takes it for complete.

        The error follows the data between delimiters that name the tag from the headers, as a
        server writes it, and the chunked body is left without its end.
        """
        text = failure.body(version)
        tail = f"\r\n__exception__\r\n{self._tag}\r\n{text}"
        tail += f"{len(text.encode())} {self._tag}\r\n__exception__\r\n"
        await self._write(tail.encode())
        if self._packer is not None:
            await self._flush(self._packer.flush())
        self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        if self._request.transport is not None:
            self._request.transport.close()

    async def _write(self, data: bytes) -> None:
        if self._packer is None:
            await self._flush(data)
        elif len(data) > _WORTH_A_THREAD_BYTES:
            await self._flush(await asyncio.to_thread(self._packer.compress, data))
        else:
            await self._flush(self._packer.compress(data))

    async def _flush(self, data: bytes) -> None:
        if data:
            async with asyncio.timeout(STALL_SECONDS):
                await self.response.write(data)
