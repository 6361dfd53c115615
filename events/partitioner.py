"""Which partition does a key go to? The same one that Kafka's Java client would choose.

So that the same id lands on the same partition whoever produced it. Murmur2 is computed for all
keys of a batch at once: column by column over a matrix of their 32-bit words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from aiokafka.partitioner import murmur2

SEED: Final = 0x9747B28C
MULTIPLIER: Final = np.uint32(0x5BD1E995)
POSITIVE: Final = np.uint32(0x7FFFFFFF)
# Below this many keys one by one is quicker; above this length the matrix would be mostly padding.
FEWEST_AT_ONCE: Final = 12
LONGEST_AT_ONCE: Final = 256


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition of each of *keys* among *partitions*."""
    if partitions == 1:
        return [0] * len(keys)
    if len(keys) < FEWEST_AT_ONCE or max(map(len, keys)) > LONGEST_AT_ONCE:
        return [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]
    hashes = murmur2_all(keys) & POSITIVE
    return (hashes % np.uint32(partitions)).tolist()  # type: ignore[no-any-return]


def murmur2_all(keys: Sequence[bytes]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """Murmur2 of each of *keys*, as org.apache.kafka.common.utils.Utils.murmur2 has it."""
    lengths = np.fromiter(map(len, keys), np.uint32, len(keys))
    words_of = lengths >> 2
    width = (int(lengths.max()) >> 2) + 1
    padded = b"".join([key.ljust(width * 4, b"\0") for key in keys])
    words = np.frombuffer(padded, "<u4").reshape(len(keys), width).T.astype(np.uint32)
    shortest = int(words_of.min())

    result = lengths ^ np.uint32(SEED)
    for column in range(width - 1):
        mixed = words[column] * MULTIPLIER
        mixed ^= mixed >> 24
        mixed *= MULTIPLIER
        mixed ^= result * MULTIPLIER
        result = mixed if column < shortest else np.where(column < words_of, mixed, result)

    # What is left of each key are 0 to 3 bytes, in a word of their own that padding completes.
    tail = words[words_of, np.arange(len(keys))]
    result = np.where(lengths & 3 != 0, (result ^ tail) * MULTIPLIER, result)
    result ^= result >> 13
    result *= MULTIPLIER
    result ^= result >> 15
    return result
