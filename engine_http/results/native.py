"""Rewrites Native results: flags for clients of newer protocols, time zones for all.

`client_protocol_version` asks for blocks as the TCP protocol writes them: with a block's info in
front and, since 54454, a flag at each column. The engine cannot write them, so they are inserted
into its blocks here. clickhouse-go, which Grafana uses, needs them.

As for a client older than 54337, the engine writes `DateTime('Europe/Malta')` as `DateTime` where
it is a column's whole type. Then a day would begin at the wrong hour, so the zone is put back.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import MappingProxyType

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.results.native_types import UnknownTypeError, column, varint

# Older clients read plain blocks, and the rewriting costs time on every block.
FLAGGED_SINCE = 54454
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_NOT_CUSTOM = b"\x00"


# The zoned types of a result by the index of their column.
Zones = Mapping[int, str]


def zones_of(types: Iterable[str]) -> dict[int, str]:
    """Return those of a result's *types* whose zone the engine leaves out."""
    return {at: name for at, name in enumerate(types) if name.startswith("DateTime(")}


async def woven(
    chunks: AsyncIterator[bytes], *, flagged: bool = True, zones: Callable[[], Zones] = dict
) -> AsyncIterator[bytes]:
    """Yield the blocks of *chunks*, each with its info and flags if *flagged*.

    *zones* is called once something has been written: the types are known by then. An empty chunk,
    which says that nothing came for a while, is passed on.
    """
    waiting = bytearray()
    enough = 0
    async for chunk in chunks:
        if not chunk:
            yield chunk
            continue
        if not flagged and not zones():
            yield chunk
            continue
        waiting += chunk
        if len(waiting) < enough:
            continue
        done, used = weave(bytes(waiting), flagged=flagged, zones=zones())
        del waiting[:used]
        # An incomplete block is tried again when there is twice as much of it.
        enough = 2 * len(waiting)
        if done:
            yield done
    done, used = weave(bytes(waiting), flagged=flagged, zones=zones())
    if used < len(waiting):
        raise ClickHouseError(Code.UNKNOWN_EXCEPTION, "A block of the result is cut off")
    if done:
        yield done


def weave(
    data: bytes, *, flagged: bool = True, zones: Zones = MappingProxyType({})
) -> tuple[bytes, int]:
    """Rewrite the complete blocks at the beginning of *data*; return them and where they end.

    Raises ClickHouseError 48 for a column whose type has no fixed layout.
    """
    parts: list[bytes] = []
    position = 0
    try:
        while position < len(data):
            block, end = _block(data, position, flagged, zones)
            if end > len(data):
                break
            parts += block
            position = end
    except (IndexError, struct.error):
        pass  # the last block continues in the next chunk
    except UnknownTypeError as error:
        raise ClickHouseError(
            Code.NOT_IMPLEMENTED,
            f"Cannot send type {error} to this client in the Native format; cast it to String",
        ) from None
    return b"".join(parts), position


def _block(data: bytes, start: int, flagged: bool, zones: Zones) -> tuple[list[bytes], int]:  # noqa: FBT001
    columns, position = varint(data, start)
    rows, position = varint(data, position)
    parts = [_BLOCK_INFO if flagged else b"", data[start:position]]
    for at in range(columns):
        begin = position
        length, position = varint(data, position)
        position += length
        type_at = position
        length, position = varint(data, position)
        name = data[position : position + length]
        if len(name) < length:
            raise IndexError
        position += length
        written = data[type_at:position]
        if name == b"DateTime" and at in zones:
            written = bytes([len(zones[at])]) + zones[at].encode()
        parts += [data[begin:type_at], written, _NOT_CUSTOM if flagged else b""]
        begin = position
        if rows:
            layout = column(name.decode())
            position = layout.skip(data, position + layout.prefix_bytes, rows)
        parts.append(data[begin:position])
    return parts, position
