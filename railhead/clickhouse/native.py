"""What does a client of a newer protocol expect in a Native result, and how does it get it?

`client_protocol_version` asks for blocks as the TCP protocol writes them: with a block's info in
front and, since 54454, a flag at each column. The engine cannot be told, so the flags are woven
into its blocks here. clickhouse-go, which Grafana uses, insists on them.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

from railhead.clickhouse.errors import ClickHouseError, Code
from railhead.clickhouse.native_types import UnknownTypeError, column, varint

# Below it clients read plain blocks as well, and weaving costs time on every block.
FLAGGED_SINCE = 54454
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_NOT_CUSTOM = b"\x00"


def is_wanted(protocol_version: int, output_format: str) -> bool:
    """Whether the client reads Native blocks with flags only."""
    return protocol_version >= FLAGGED_SINCE and output_format == "Native"


async def woven(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the blocks of *chunks*, each with its info and flags."""
    waiting = bytearray()
    enough = 0
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) < enough:
            continue
        done, used = weave(bytes(waiting))
        del waiting[:used]
        # A block that is not whole yet is looked at again when there is twice as much of it.
        enough = 2 * len(waiting)
        if done:
            yield done
    done, used = weave(bytes(waiting))
    if used < len(waiting):
        raise ClickHouseError(Code.UNKNOWN_EXCEPTION, "A block of the result is cut off")
    if done:
        yield done


def weave(data: bytes) -> tuple[bytes, int]:
    """Rewrite the whole blocks at the beginning of *data*; return them and how far they went.

    Raises ClickHouseError 48 for a column whose type has no fixed layout.
    """
    parts: list[bytes] = []
    position = 0
    try:
        while position < len(data):
            block, end = _block(data, position)
            if end > len(data):
                break
            parts += block
            position = end
    except (IndexError, struct.error):
        pass  # the last block goes on in the next chunk
    except UnknownTypeError as error:
        raise ClickHouseError(
            Code.NOT_IMPLEMENTED,
            f"Cannot send type {error} to this client in the Native format; cast it to String",
        ) from None
    return b"".join(parts), position


def _block(data: bytes, start: int) -> tuple[list[bytes], int]:
    columns, position = varint(data, start)
    rows, position = varint(data, position)
    parts = [_BLOCK_INFO, data[start:position]]
    for _ in range(columns):
        begin = position
        length, position = varint(data, position)
        position += length
        length, position = varint(data, position)
        name = data[position : position + length]
        if len(name) < length:
            raise IndexError
        position += length
        parts += [data[begin:position], _NOT_CUSTOM]
        begin = position
        if rows:
            layout = column(name.decode())
            position = layout.skip(data, position + layout.prefix_bytes, rows)
        parts.append(data[begin:position])
    return parts, position
