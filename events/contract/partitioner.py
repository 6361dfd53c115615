"""Computes the partition of a key as Kafka's Java client does, for all keys of a batch at once.

The same id is then on the same partition, whichever client produced it. Murmur2 is computed column
by column over a matrix of the keys' 32-bit words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from aiokafka.partitioner import murmur2

SEED: Final = 0x9747B28C
MULTIPLIER: Final = np.uint32(0x5BD1E995)
POSITIVE: Final = np.uint32(0x7FFFFFFF)
# Fewer keys are faster one by one; with longer ones the matrix would be mostly padding.
FEWEST_AT_ONCE: Final = 12
LONGEST_AT_ONCE: Final = 256
LONG_ONES_AT_ONCE: Final = 256

Hashes = npt.NDArray[np.uint32]
Partitions = npt.NDArray[np.int64]


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition of each of *keys* among *partitions*."""
    if partitions == 1:
        return [0] * len(keys)
    if len(keys) < FEWEST_AT_ONCE or max(map(len, keys)) > LONGEST_AT_ONCE:
        return [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]
    hashes = murmur2_all(keys) & POSITIVE
    return (hashes % np.uint32(partitions)).tolist()  # type: ignore[no-any-return]


def partitions_of_texts(keys: pa.StringArray, partitions: int) -> Partitions:
    """The same for a column of keys, which are UTF-8 when they are sent; no key is null."""
    if len(keys) < FEWEST_AT_ONCE:
        few = [key.encode() for key in keys.to_pylist()]
        return np.asarray(partitions_of(few, partitions), np.int64)
    lengths = pc.binary_length(keys).to_numpy().astype(np.uint32)
    if int(lengths.max()) <= LONGEST_AT_ONCE:
        hashes = _hashes_of_texts(keys, lengths)
    else:
        hashes = np.empty(len(keys), np.uint32)
        for rows in _rows_by_length(lengths):
            hashes[rows] = _hashes_of_texts(keys.take(pa.array(rows)), lengths[rows])
    return ((hashes & POSITIVE) % np.uint32(partitions)).astype(np.int64)


def _rows_by_length(lengths: Hashes) -> Iterator[Partitions]:
    """The rows of short keys together, and those of long ones a few at a time, to save memory."""
    long = lengths > LONGEST_AT_ONCE
    if not long.all():
        yield np.flatnonzero(~long)
    rows = np.flatnonzero(long)
    for start in range(0, len(rows), LONG_ONES_AT_ONCE):
        yield rows[start : start + LONG_ONES_AT_ONCE]


def _hashes_of_texts(keys: pa.StringArray, lengths: Hashes) -> Hashes:
    width = (int(lengths.max()) >> 2) + 1
    # It pads by bytes, not by characters.
    padded = pc.ascii_rpad(keys, width=4 * width, padding="\0")
    words = np.frombuffer(padded.buffers()[2], "<u4", len(lengths) * width)
    return _murmur2(words.reshape(len(lengths), width), lengths)


def murmur2_all(keys: Sequence[bytes]) -> Hashes:
    """Murmur2 of each of *keys*, as org.apache.kafka.common.utils.Utils.murmur2 has it."""
    lengths = np.fromiter(map(len, keys), np.uint32, len(keys))
    width = (int(lengths.max()) >> 2) + 1
    padded = b"".join([key.ljust(width * 4, b"\0") for key in keys])
    return _murmur2(np.frombuffer(padded, "<u4").reshape(len(keys), width), lengths)


def _murmur2(rows: Hashes, lengths: Hashes) -> Hashes:
    """Hash keys of *lengths* bytes, padded with zeros to *rows* of words with one to spare."""
    words_of = lengths >> 2
    width = rows.shape[1]
    words = rows.T.astype(np.uint32)
    shortest = int(words_of.min())

    result = lengths ^ np.uint32(SEED)
    for column in range(width - 1):
        mixed = words[column] * MULTIPLIER
        mixed ^= mixed >> 24
        mixed *= MULTIPLIER
        mixed ^= result * MULTIPLIER
        result = mixed if column < shortest else np.where(column < words_of, mixed, result)

    # The last 0 to 3 bytes of each key are in a word of their own, completed by padding.
    tail = words[words_of, np.arange(len(lengths))]
    result = np.where(lengths & 3 != 0, (result ^ tail) * MULTIPLIER, result)
    result ^= result >> 13
    result *= MULTIPLIER
    result ^= result >> 15
    return result
