"""Odd bodies in a normal envelope: batches of valid and odd items, and damaged batches."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.system.fuzz.case import JSON, Case, Secrets, Valid, request
from tests.system.fuzz.items import ODD_VALUES, odd_item, valid_item

TORN: Final = frozenset({200, 204, 413, 422})
QUERIES: Final = (b"", b"", b"", b"?report=1", b"?dry_run=1", b"?report=true&dry_run=0")


def batch(rng: Random, unique: str) -> tuple[bytes, dict[int, Valid], int]:
    """A body, its valid items by position, and how many items it has."""
    size = rng.choice((1, 1, 2, 3, 3, 5, 8, 8, 20))
    items, valid = [], {}
    for position in range(size):
        if rng.random() < 0.55:
            text, valid[position] = valid_item(rng, f"{unique}-{position}")
        else:
            text = odd_item(rng)
        items.append(text)
    start, end = rng.choice(((b"[", b"]"), (b"\xef\xbb\xbf[", b"]"), (b" \r\n[\t", b" ] \n")))
    return start + rng.choice((b",", b" ,\n")).join(items) + end, valid, size


def mixed(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Odd items among valid ones: the batch is taken, and each valid item with it."""
    body, valid, size = batch(rng, unique)
    query = rng.choice(QUERIES)
    return Case(
        what="body: odd items among valid ones",
        sends=(request(secrets, body, JSON, query=query),),
        expected=frozenset({200 if query else 204}),
        fresh=rng.random() < 0.1,
        valid=valid,
        size=size,
        dry_run=query == b"?dry_run=1",
    )


def torn(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A batch with bytes changed, removed or inserted: taken or refused, never a fault."""
    body = bytearray(batch(rng, unique)[0])
    for _ in range(rng.choice((1, 1, 2, 10))):
        _tear(rng, body)
    return Case(
        what="body: torn",
        sends=(request(secrets, bytes(body), JSON, query=rng.choice(QUERIES)),),
        expected=TORN,
        fresh=False,
    )


def _tear(rng: Random, body: bytearray) -> None:
    at = rng.randrange(len(body) + 1)
    dice = rng.randrange(5)
    if dice == 0:
        del body[at:]
    elif dice == 1:
        del body[at : at + rng.randrange(1, 40)]
    elif dice == 2:
        body[at:at] = rng.choice((*ODD_VALUES, b"[", b"]", b"{", b"}", b'"', b"\\", b",", b"\x00"))
    elif dice == 3:
        body[at : at + 1] = rng.randbytes(rng.choice((1, 1, 3)))
    else:
        body[at:at] = body[: rng.randrange(1, 200)]


def no_batch(rng: Random, unique: str, secrets: Secrets) -> Case:
    """Anything but a JSON array."""
    del unique
    body = rng.choice((b"", b" ", b"{}", b"null", b'"[]"', b"\xff\xfe[\x00", b"PK\x03\x04", b"]["))
    tail = rng.randbytes(rng.choice((0, 0, 5, 3_000)))
    return Case(
        what="body: not a batch",
        sends=(request(secrets, body + tail, JSON),),
        expected=TORN,
        fresh=False,
    )
