"""What came in with the request besides its URL? Body and form, opened and bounded."""

from __future__ import annotations

import asyncio
import functools
import itertools

from aiohttp import web

from railhead.clickhouse import codec
from railhead.clickhouse import request as requests
from railhead.clickhouse.errors import ClickHouseError, Code
from railhead.clickhouse.request import Query

MAX_BODY_BYTES = 256 << 20
_WORTH_A_THREAD_BYTES = 1 << 16
_FORM = "multipart/form-data"


async def read(request: web.Request, query: Query) -> bytes:
    """Read the body and undo its encoding.

    Raises ClickHouseError 229 when it is larger than MAX_BODY_BYTES before it is unpacked.
    """
    if not request.can_read_body or request.content_type == _FORM:
        return b""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ClickHouseError(
            Code.QUERY_IS_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES} bytes"
        ) from None
    if not query.content_encoding and not query.decompress_native:
        return body
    unpack = functools.partial(_unpack, query, body)
    return await asyncio.to_thread(unpack) if len(body) > _WORTH_A_THREAD_BYTES else unpack()


def _unpack(query: Query, body: bytes) -> bytes:
    opened = codec.unpack(query.content_encoding, body)
    return codec.unpack_native(opened) if query.decompress_native else opened


async def with_form(request: web.Request, query: Query) -> Query:
    """Take the text fields of a multipart form as if they stood in the URL.

    Raises ClickHouseError 48 for files in it, which would be tables of their own.
    """
    if request.content_type != _FORM:
        return query
    fields = list((await request.post()).items())
    texts = [(name, value) for name, value in fields if isinstance(value, str)]
    if len(texts) < len(fields):
        raise ClickHouseError(Code.NOT_IMPLEMENTED, "External data is not supported here")
    arguments = itertools.chain(request.query.items(), texts)
    whole = requests.parse(request.method, arguments, request.headers)
    return requests.renamed(whole, query.query_id)
