"""How does an HTTP request become a statement and its result an answer?"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from railhead.clickhouse import auth, codec, guard, jobs
from railhead.clickhouse import request as requests
from railhead.clickhouse.engine import Connection, Engine
from railhead.clickhouse.errors import ClickHouseError, Code
from railhead.clickhouse.pipe import ResultPipe
from railhead.clickhouse.statement import Insert, Statement, inspect

_HOLD_BYTES = 1 << 20
_TYPES = {"JSON": "application/json; charset=UTF-8"}


class Interface:
    """ClickHouse's HTTP interface on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inserts = ThreadPoolExecutor(4, "insert")
        self._owner = ThreadPoolExecutor(4, "owner")
        self._analysts = ThreadPoolExecutor(4, "analyst")
        self._local = threading.local()
        self._pooled: list[Connection] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=256 << 20)
        app.router.add_route("GET", "/ping", self.ping)
        app.router.add_route("*", "/", self.handle)
        return app

    async def ping(self, _request: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = None
        try:
            query = requests.parse(request.method, request.query.items(), request.headers)
            user = auth.authenticate(query.user, query.password)
            if not query.url_text and query.read_only:
                return web.Response(text="Ok.\n")
            body = await request.read()
            return await self._answer(request, query, user, body)
        except ClickHouseError as error:
            return web.Response(
                status=error.status,
                text=error.body(self._engine.version),
                headers={**self._headers(query), "X-ClickHouse-Exception-Code": str(error.code)},
            )

    def _headers(self, query: requests.Query | None) -> dict[str, str]:
        return {
            "X-ClickHouse-Server-Display-Name": "railhead",
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Query-Id": query.query_id if query else "",
        }

    async def _answer(self, request, query, user, body: bytes) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        body = codec.unpack(query.content_encoding, body)
        text = query.url_text
        statement = inspect(text) if text else inspect(body)
        if isinstance(statement, Insert):
            if query.read_only:
                raise ClickHouseError(Code.READONLY, "method GET implies readonly")
            if user.guarded:
                raise ClickHouseError(Code.ACCESS_DENIED, f"{user.name}: Not enough privileges")
            data = statement.data + body if text else statement.data
            summary = await loop.run_in_executor(
                self._inserts, self._insert, user, query, statement, data
            )
            return web.Response(
                headers={**self._headers(query), "X-ClickHouse-Summary": summary.header()}
            )
        if text and body:
            statement = inspect(text + b"\n" + body)
        assert isinstance(statement, Statement)
        pool = self._analysts if user.guarded else self._owner
        pipe = ResultPipe() if statement.reads else None
        headers = {
            **self._headers(query),
            "X-ClickHouse-Format": statement.format or query.default_format or jobs.DEFAULT_FORMAT,
        }
        future = loop.run_in_executor(pool, self._run, user, query, statement, pipe)
        if pipe is None:
            result, summary = await future
            return web.Response(
                body=result, headers={**headers, "X-ClickHouse-Summary": summary.header()}
            )
        try:
            held = bytearray()
            chunks = pipe.chunks()
            async for chunk in chunks:
                held += chunk
                if len(held) > _HOLD_BYTES:
                    break
            else:
                rest, summary = await future
                return self._whole(
                    query, bytes(held) + rest, {**headers, "X-ClickHouse-Summary": summary.header()}
                )
            return await self._stream(request, query, headers, bytes(held), chunks, future)
        finally:
            pipe.close()

    def _whole(self, query, body, headers):
        encoding = (
            codec.choose(query.accept_encoding)
            if query.settings.get("enable_http_compression") == "1"
            else ""
        )
        if encoding:
            packer = codec.packer(encoding)
            body = packer.compress(body) + packer.flush()
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, headers=headers)

    async def _stream(self, request, query, headers, first, chunks, future):
        encoding = (
            codec.choose(query.accept_encoding)
            if query.settings.get("enable_http_compression") == "1"
            else ""
        )
        packer = codec.packer(encoding) if encoding else None
        if encoding:
            headers["Content-Encoding"] = encoding
        tag = secrets.token_hex(8)
        response = web.StreamResponse(headers={**headers, "X-ClickHouse-Exception-Tag": tag})
        response.enable_chunked_encoding()
        await response.prepare(request)
        pack = packer.compress if packer else bytes
        await response.write(pack(first))
        async for chunk in chunks:
            out = pack(chunk)
            if out:
                await response.write(out)
        try:
            rest, _ = await future
        except ClickHouseError as error:
            text = error.body(self._engine.version)
            mark = f"\r\n__exception__\r\n{tag}\r\n{text}{len(text)} {tag}\r\n__exception__\r\n".encode()
            await response.write(pack(mark) + (packer.flush() if packer else b""))
            request.transport.close()
            return response
        if packer:
            await response.write(packer.flush())
        await response.write_eof()
        return response

    def _run(self, user, query, statement, pipe):
        try:
            connection = self._engine.connection()
            try:
                jobs.prepare(connection, user, query)
                return jobs.run(connection, query, statement, pipe)
            finally:
                connection.close()
        finally:
            if pipe is not None:
                pipe.finish()

    def _insert(self, user, query, statement, data):
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._engine.connection()
            self._pooled.append(connection)
        connection.use(query.database or user.database)
        return jobs.insert(connection, query, statement, data)

    def close(self) -> None:
        for pool in (self._inserts, self._owner, self._analysts):
            pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._pooled:
            connection.close()


async def serve(engine: Engine, *, host: str, port: int, stop: asyncio.Event) -> None:
    interface = Interface(engine)
    runner = web.AppRunner(interface.application(), access_log=None, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    real = site._server.sockets[0].getsockname()[1]
    print(f"ready http://{host}:{real}", flush=True)
    await stop.wait()
    await runner.cleanup()
    await asyncio.get_running_loop().run_in_executor(None, interface.close)
    engine.close()
