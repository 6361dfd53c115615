"""A spool is bounded, in memory and in all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.http.decompression import opened
from engine_http.http.spool import Spool
from tests.engine_http.test_bounds import BOMBS

MOST_BYTES = 1000
# The promised values, not the module's, which may be wrong.
IN_MEMORY_BYTES = 8 << 20
LARGEST_CHUNK_BYTES = 1 << 20


@pytest.mark.parametrize("sizes", [[1001], [1000, 1], [1, 1000], [999, 2], [500, 500, 1]])
def test_a_body_over_the_limit_is_refused(tmp_path: Path, sizes: list[int]) -> None:
    """In whatever chunks it comes; the bytes before stay as they were."""
    with Spool(tmp_path, most_bytes=MOST_BYTES) as spool:
        *fitting, last = sizes
        spool.write_all(bytes(size) for size in fitting)
        with pytest.raises(ClickHouseError, match="1,000 bytes") as caught:
            spool.write(bytes(last))

        assert caught.value.code == 229
        assert spool.size == sum(fitting)


@pytest.mark.parametrize("sizes", [[], [0], [1000], [1, 999], [500, 500], [1] * 1000])
def test_a_body_may_have_exactly_the_limit(tmp_path: Path, sizes: list[int]) -> None:
    """To the byte."""
    with Spool(tmp_path, most_bytes=MOST_BYTES) as spool:
        spool.write_all(b"x" * size for size in sizes)

        assert spool.read() == b"x" * sum(sizes)


@pytest.mark.parametrize("more", [-1, 0, 1, IN_MEMORY_BYTES])
def test_a_large_body_is_on_the_disk(tmp_path: Path, more: int) -> None:
    """Memory is for small bodies; the file of a large one is gone with its body."""
    size = IN_MEMORY_BYTES + more
    with Spool(tmp_path, most_bytes=4 * IN_MEMORY_BYTES) as spool:
        spool.write_all(bytes(1 << 20) for _ in range(size >> 20))
        spool.write(bytes(size & ((1 << 20) - 1)))
        where = Path(f"/proc/self/fd/{spool.descriptor}").readlink()

        assert where.is_relative_to(tmp_path) == (more > 0)
        assert spool.size == sum(map(len, spool.chunks())) == size
    assert list(tmp_path.iterdir()) == []


def small(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same *chunks*, after checking that none is large."""
    for chunk in chunks:
        size = len(chunk)
        assert size <= LARGEST_CHUNK_BYTES
        yield chunk


@pytest.mark.parametrize("kind", [kind for kind in BOMBS if kind != "gzip in gzip"])
def test_a_bomb_is_decompressed_no_further_than_its_bound(tmp_path: Path, kind: str) -> None:
    """A gigabyte in a few megabytes; the refused part is never stored, and no chunk is large."""
    make, headers, arguments = BOMBS[kind]
    encoding = headers.get("Content-Encoding", "")
    with Spool(tmp_path, most_bytes=3 * LARGEST_CHUNK_BYTES) as spool:
        chunks = opened(iter([make()]), encoding, native="decompress" in arguments)
        with pytest.raises(ClickHouseError) as caught:
            spool.write_all(small(chunks))

    assert caught.value.code == 229
