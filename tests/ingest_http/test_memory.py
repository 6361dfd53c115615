"""The memory of an ingest API process stays within its bound and a little more, for any bodies."""

from __future__ import annotations

import http.client
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from ingest_http.http.routes import BULK_PATH
from ingest_http.settings import ApiSettings
from tests.ingest_http.running_api import new_tenant
from tests.ingest_http.test_process import NO_BROKER, Process, Starter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1 << 20
BOMB_BYTES = 1 << 30
AT_ONCE = 10
BOUND_BYTES = ApiSettings.model_fields["max_in_flight_bytes"].default + 64 * MIB


@cache
def bomb(encoding: str) -> bytes:
    """A gigabyte of white space, compressed."""
    block = b" " * MIB
    if encoding == "zstd":
        encoder = zstd.ZstdCompressor(level=19)
        return b"".join(encoder.compress(block) for _ in range(1_024)) + encoder.flush()
    bits = {"gzip": 31, "deflate": 15, "bare deflate": -15}[encoding]
    packer = zlib.compressobj(wbits=bits)
    return b"".join(packer.compress(block) for _ in range(1_024)) + packer.flush()


def items_of(item: bytes, size: int) -> bytes:
    """A batch of about *size* bytes of an item."""
    return b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"


@cache
def batch(kind: str) -> bytes:
    """A batch of the largest size whose items take much more memory than their length."""
    size = 31 * MIB
    if kind == "tiny items":
        return b"[" + b"1," * 49_998 + b"1]"
    made = {
        "control characters": b'"' + b"\x01" * 900_000 + b'"',
        "short control characters": b'"' + b"\x01" * 2_000 + b'"',
        "quotes": b'"' + b'\\"' * 450_000 + b'"',
        "not UTF-8": b'"' + b"\xff" * 900_000 + b'"',
        "numbers": b"9" * 900_000,
    }
    return items_of(made[kind], size)


def test_the_bombs_decompress_to_a_gigabyte() -> None:
    """Some kilobytes that decompress to a gigabyte."""
    assert len(bomb("zstd")) < 200_000
    assert len(bomb("gzip")) < 2 * MIB
    assert len(batch("control characters")) > 30 * MIB


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    """An ingest API process and a key; no broker, because a dry run takes as much memory."""
    starter = Starter(tmp_path)
    key = new_tenant(starter.tenants, "acme")
    process = starter.start(NO_BROKER)
    yield process, key
    process.process.kill()
    process.process.wait(10)


def try_out(process: Process, key: str, body: bytes, encoding: str = "identity") -> int:
    """Post *body* as a dry run; the status."""
    headers = {
        "x-api-key": key,
        "content-type": "application/json",
        "content-encoding": encoding,
    }
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=100)
    try:
        connection.request("POST", BULK_PATH + "?dry_run=1", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def peak_bytes(process: Process) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def growth_of(api: tuple[Process, str], body: bytes, encoding: str = "identity") -> list[int]:
    """The growth of the process's memory by *body* sent ten times at once, and the statuses."""
    process, key = api
    assert try_out(process, key, batch("numbers")[:2_000_000]) == 422
    before = peak_bytes(process)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = [pool.submit(try_out, process, key, body, encoding) for _ in range(AT_ONCE)]
        statuses = {one.result() for one in each}
    assert process.get("/health/live") == 200
    return [peak_bytes(process) - before, *sorted(statuses)]


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "deflate", "bare deflate"])
def test_ten_bombs_at_once_are_held_to_the_bound(api: tuple[Process, str], encoding: str) -> None:
    """A gigabyte each: refused when they reach the limit, or for lack of memory."""
    growth, *statuses = growth_of(api, bomb(encoding), encoding.rsplit(maxsplit=1)[-1])

    assert set(statuses) <= {413, 503}
    assert growth <= BOUND_BYTES


@pytest.mark.parametrize(
    "kind",
    [
        "control characters",
        "short control characters",
        "quotes",
        "not UTF-8",
        "numbers",
        "tiny items",
    ],
)
def test_ten_batches_that_grow_are_held_to_the_bound(api: tuple[Process, str], kind: str) -> None:
    """Escapes, base64 and what is kept for each item are all counted."""
    growth, *statuses = growth_of(api, batch(kind))

    assert set(statuses) <= {200, 413, 503}
    assert growth <= BOUND_BYTES
