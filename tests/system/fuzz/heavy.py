"""The largest and most expensive bodies there are; few of them, one at a time, as another tenant.

The other tenant has its own share of the API's memory, so small requests are not turned away.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Final

from tests.system.fuzz.case import BULK, JSON, Case, Secrets
from tests.system.fuzz.items import valid_item

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB: Final = 1024 * 1024
TAKEN, TOO_LARGE, NO_BATCH = frozenset({204}), frozenset({413}), frozenset({422})
Made = tuple[bytes, bytes, frozenset[int]]


@cache
def _gzip_bomb() -> bytes:
    """512 MiB in half of one."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * MIB) for _ in range(512)) + packer.flush()


@cache
def _zstd_bomb() -> bytes:
    """512 MiB in 16 KiB or so."""
    packer = zstd.ZstdCompressor()
    return b"".join(packer.compress(b" " * MIB) for _ in range(512)) + packer.flush()


def _around(item: bytes) -> bytes:
    good = valid_item(Random(1), "heavy")[0]  # noqa: S311 - nothing secret
    return b"[" + good + b"," + item + b"," + good + b"]"


KINDS: Final[dict[str, Callable[[], Made]]] = {
    "gzip bomb of 512 MiB": lambda: (_gzip_bomb(), b"gzip", TOO_LARGE),
    "zstd bomb of 512 MiB": lambda: (_zstd_bomb(), b"zstd", TOO_LARGE),
    "gzip in gzip bomb": lambda: (gzip.compress(_gzip_bomb()), b"gzip", NO_BATCH),
    "10 million zeros": lambda: (b"[" + b"0," * 9_999_999 + b"0]", b"", TOO_LARGE),
    "10 million objects": lambda: (b"[" + b"{}," * 9_999_999 + b"{}]", b"", TOO_LARGE),
    "10 million strings, gzip": lambda: (
        gzip.compress(b"[" + b'"",' * 9_999_999 + b'""]', 1), b"gzip", TOO_LARGE,
    ),
    "50,000 odd items": lambda: (b"[" + b"{}," * 49_999 + b"{}]", b"", TAKEN),
    "one string of 30 MB": lambda: (_around(b'"' + b"x" * 30_000_000 + b'"'), b"", TAKEN),
    "one string of 15 million escapes": lambda: (
        _around(b'"' + b"\\\\" * 15_000_000 + b'"'), b"", TAKEN,
    ),
    "one item of 20 million brackets": lambda: (
        _around(b"[" * 10_000_000 + b"]" * 10_000_000), b"", TAKEN,
    ),
    "20 million opening brackets": lambda: (b"[" * 20_000_000, b"", NO_BATCH),
    "30 MB of spaces": lambda: (b" " * 30_000_000 + b"[]", b"", TAKEN),
    "30 MB of quotation marks": lambda: (b"[" + b'"' * 30_000_000 + b"]", b"", TAKEN | NO_BATCH),
    "34 MB announced": lambda: (b"[" + b" " * 34_000_000 + b"]", b"", TOO_LARGE),
}  # fmt: skip


def heavy(kind: str, secrets: Secrets) -> Case:
    """The case of one of `KINDS`."""
    body, encoding, expected = KINDS[kind]()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\n%s\r\nContent-Length: %d\r\n" % (
        BULK, secrets.heavy.encode(), JSON, len(body),
    )  # fmt: skip
    coding = b"Content-Encoding: " + encoding + b"\r\n" if encoding else b""
    # An answer before the end of the body may be lost to the reset that follows it.
    return Case(
        what=f"heavy: {kind}",
        sends=(head + coding + b"\r\n" + body,),
        expected=expected,
        may_close=expected == TOO_LARGE and not encoding,
    )
