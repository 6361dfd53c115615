"""Odd HTTP: bytes at the edges of the parser, and clients that do not follow the protocol.

Where RFC 9112 leaves no choice the right answer is named; elsewhere any documented one will do, or
the end of the connection where the bytes may mean an unfinished request.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.system.fuzz.case import BROKEN, JSON, TAKEN, Case, Secrets, raw, request
from tests.system.fuzz.framing import CHUNKED, bad_chunks, chunked, lengths
from tests.system.fuzz.items import valid_item


def line_ends(rng: Random, unique: str, secrets: Secrets) -> Case:
    """CR and LF where they should not be, and where they are missing."""
    del unique
    sent = request(secrets, b"[]", JSON, b"X: y")
    ends = (
        b"\n",
        b"\r",
        b"\r\r\n",
        b"\n\r",
        b"\r\n\r\n",
        b"\r\n ",
        b"\x00\r\n",
        b"\x85",
        b"\r\n\t",
    )
    at = rng.randrange(sent.count(b"\r\n"))
    chunks = sent.split(b"\r\n")
    sent = b"\r\n".join(chunks[: at + 1]) + rng.choice(ends) + b"\r\n".join(chunks[at + 1 :])
    return raw("line ends", rng.choice((b"", b"", b"\r\n", b"\n\n")) + sent, loose=True)


FIRST_LINES: Final = (
    b"GET /", b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"GET / HTTP/1.9", b"GET / HTTP/11",
    b"GET / http/1.1", b"GET  /  HTTP/1.1", b"GET\t/\tHTTP/1.1", b"GET / HTTP/1.1 x",
    b"GET /\x00 HTTP/1.1", b" GET / HTTP/1.1", b"GET HTTP/1.1", b"HTTP/1.1 200 OK",
    b"PRI * HTTP/2.0\r\n\r\nSM", b"GET / HTTP/1.0", b"GET / ICE/1.0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"SSH-2.0-OpenSSH_9.9", b"*1\r\n$4\r\nPING",
    b"", b"\x00" * 50, b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2", b"GET /" + b"a" * 9_000 + b" HTTP/1.1",
    b"\xff" * 20,
)  # fmt: skip
ODD_LINES: Final = (
    b"NoColon", b": empty", b"a b: c", b"X:\x00", b"X\x00: y", b"X: \x7f\x01", b"\xff: y",
    b"X" * 9_000, b"X: " + b"y" * 70_000, b"(x): y", b"X: a\r\n b", b"Host: a\r\nHost: b", b"X :y",
    b"{}: y", b"\r\n".join(b"X-%d: %s" % (n, b"y" * 300) for n in range(300)),
    b"\r\n".join([b"a: b"] * 20_000),
)  # fmt: skip


def heads(rng: Random, unique: str, secrets: Secrets) -> Case:
    """First lines and header lines that are malformed, too long, or too many."""
    del unique
    if rng.random() < 0.5:
        return raw("first line", rng.choice(FIRST_LINES) + b"\r\nHost: x\r\n\r\n", loose=True)
    sent = request(secrets, b"[]", JSON, rng.choice(ODD_LINES))
    return raw("header lines", sent, loose=True)


def pipeline(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Several requests in one write, answered in order; sometimes junk follows them."""
    made = [valid_item(rng, f"{unique}-{n}") for n in range(rng.choice((2, 3, 8, 30)))]
    texts = [request(secrets, b"[" + text + b"]", JSON) for text, _ in made]
    junk = rng.random() < 0.3
    # Junk that comes in one packet with requests before it may spoil them too: 400, nothing stored.
    return Case(
        what="raw: pipeline, then junk" if junk else "raw: pipeline",
        sends=(b"".join(texts) + (b"\x01junk\r\n\r\n" if junk else b""),),
        expected=TAKEN | BROKEN if junk else TAKEN,
        answers=len(made),
        may_close=junk,
        valid=dict(enumerate(valid for _, valid in made)),
    )


def slow(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A request in small chunks with pauses between them."""
    text, valid = valid_item(rng, unique)
    sent = request(secrets, b"[" + text + b"]", JSON)
    offsets = sorted(rng.randrange(len(sent)) for _ in range(rng.randrange(1, 25)))
    chunks = tuple(
        sent[a:b] for a, b in zip([0, *offsets], [*offsets, len(sent)], strict=True) if a < b
    )
    gap = rng.choice((0.0, 0.001, 0.004))
    return Case(
        what="raw: slow chunks", sends=chunks, expected=TAKEN, gap_seconds=gap,
        valid={0: valid}, size=1,
    )  # fmt: skip


def leaving(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A client that is gone before the end, or before the answer."""
    text = valid_item(rng, unique)[0]
    sent = request(secrets, b"[" + text + b"]" + b" " * rng.choice((0, 0, 100_000)), JSON)
    end = rng.choice((len(sent), rng.randrange(len(sent) + 1)))
    return Case(what="raw: gone early", sends=(sent[:end],), leave=rng.choice(("reset", "close")))


def half_closed(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A client that closes its side after a whole request, or in the middle of one."""
    sent = request(secrets, b"[" + valid_item(rng, unique)[0] + b"]", JSON)
    end = rng.choice((len(sent), rng.randrange(len(sent) + 1)))
    return Case(what="raw: half closed", sends=(sent[:end],), may_close=True, wait_seconds=0.0)


def damaged(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A whole request with a few bytes changed anywhere."""
    text = valid_item(rng, unique)[0]
    body = b"[" + text + b"]"
    lines = (JSON, rng.choice((CHUNKED, b"X: y")))
    sent = bytearray(request(secrets, body, *lines, length=CHUNKED not in lines))
    for _ in range(rng.choice((1, 1, 2, 6, 30))):
        at = rng.randrange(len(sent) - len(body))
        chunk = rng.choice(
            (b"", b"\r\n", b"\n", b":", b" ", b"\x00", b"\xff", b",", rng.randbytes(2))
        )
        sent[at : at + rng.randrange(3)] = chunk
    return raw("damaged", bytes(sent), loose=True)


def noise(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Random bytes."""
    del unique, secrets
    sent = rng.randbytes(rng.choice((1, 20, 500, 20_000)))
    return raw("noise", sent, b"\r\n\r\n", loose=True)


RAW: Final[tuple[Callable[[Random, str, Secrets], Case], ...]] = (
    chunked, bad_chunks, lengths, line_ends, heads, pipeline, slow, leaving, half_closed, damaged,
    damaged, noise,
)  # fmt: skip
