"""Odd framing: chunks, lengths and codings, in order and in disorder, that say where a body ends.

If an ingest API and a proxy before it disagree about this, one request can be smuggled in another.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.system.fuzz.case import BROKEN, JSON, TAKEN, Case, Secrets, raw, request
from tests.system.fuzz.items import valid_item

CHUNKED: Final = b"Transfer-Encoding: chunked"


def _post_items(secrets: Secrets, *lines: bytes, tail: bytes) -> bytes:
    return request(secrets, tail, JSON, *lines, length=False)


def _chunks(rng: Random, body: bytes) -> bytes:
    chunks = []
    while body:
        size = rng.randrange(1, len(body) + 1)
        extension = rng.choice((b"", b"", b";a=b", b';q="x"'))
        chunks.append(b"%x%s\r\n%s\r\n" % (size, extension, body[:size]))
        body = body[size:]
    return b"".join(chunks) + b"0\r\n" + rng.choice((b"", b"X-Trailer: y\r\n")) + b"\r\n"


def chunked(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A body in chunks without a length, cut anywhere."""
    text, valid = valid_item(rng, unique)
    sent = _post_items(secrets, CHUNKED, tail=_chunks(rng, b"[" + text + b"]"))
    return Case(
        what="raw: chunks", sends=(sent,), expected=TAKEN, valid={0: valid}, size=1, fresh=False
    )


CHUNK_SIZES: Final = (
    b"G", b"-1", b"0x5", b"FFFFFFFFFFFFFFFFF", b"F" * 400, b"", b" ", b"5 5", b"+5", b"5.0",
    b"\xff", b";", b"5\n", b"\x005", b"1e1", "\uff15".encode(),
)  # fmt: skip


def bad_chunks(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Chunk sizes that are no numbers, ends that are missing, sizes that lie."""
    dice = rng.randrange(4)
    if dice == 0:
        tail = rng.choice(CHUNK_SIZES) + b"\r\n[]\r\n0\r\n\r\n"
    elif dice == 1:
        tail = b"%x\r\n[]\r\n0\r\n\r\n" % rng.choice((0, 1, 3, 9, 2**31, 2**63 - 1))
    elif dice == 2:
        whole = _chunks(rng, b"[ ]")
        tail = whole[: rng.randrange(len(whole))]
    else:
        junk = rng.choice(
            (b"\r", b"\n", b"2\n[]\n0\n\n", b"2\r\n[]0\r\n\r\n", b"2\r\n[]\r\n0\r\nx\x00\r\n")
        )
        tail = junk + b"0\r\n\r\n"
    return raw("bad chunks", _post_items(secrets, CHUNKED, tail=tail), loose=True)


LENGTHS: Final = (
    (b"Content-Length: 2", b"Content-Length: 3"), (b"Content-Length: 2, 3",),
    (b"Content-Length: -2",), (b"Content-Length: +2",), (b"Content-Length: 0x2",),
    (b"Content-Length: 2 2",), (b"Content-Length: 1" + b"0" * 40,), (b"Content-Length: two",),
    (b"Content-Length: \xd9\xa2",), (b"Content-Length: 2", CHUNKED),
    (CHUNKED, b"Content-Length: 2"), (b"Content-Length : 2",), (b" Content-Length: 2",),
)  # fmt: skip
CODINGS: Final = (
    b"Transfer-Encoding: x", b"Transfer-Encoding: chunked, x",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: xchunked", b"Content-Length: 2, 2",
    b"Content-Length:", b"Content-Length: 2\r\nContent-Length: 2",
)  # fmt: skip


def lengths(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Contradicting lengths, or ones that are no numbers: they smuggle requests, so refused."""
    if rng.random() < 0.3:
        sent = _post_items(secrets, rng.choice(CODINGS), tail=b"2\r\n[]\r\n0\r\n\r\n")
        return raw("transfer codings", sent, loose=True)
    lines = rng.choice(LENGTHS)
    tail = b"2\r\n[]\r\n0\r\n\r\n" if CHUNKED in lines else b"[]"
    sent = _post_items(secrets, *lines, tail=tail)
    return raw("conflicting lengths", sent, expected=BROKEN, loose=False)
