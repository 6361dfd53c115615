"""The partition of a column of keys: the same one that Kafka's Java client chooses."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from aiokafka.partitioner import murmur2

from events.contract.partitioner import partitions_of_texts


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 32, 1000])
@pytest.mark.parametrize("longest", [0, 3, 40, 256, 257, 2_100])
@pytest.mark.parametrize("count", [0, 1, 11, 12, 600])
def test_a_column_of_keys_goes_where_java_puts_them(
    count: int, longest: int, partitions: int
) -> None:
    """Few keys and many, empty and long ones, of any script, whole columns and parts of them."""
    chance = random.Random(count + longest)  # noqa: S311 - a repeatable choice
    keys = [
        "".join(chance.choices("aé漢😀|:\\ \0", k=chance.choice([0, 1, longest // 4, longest])))
        for _ in range(count + 3)
    ]

    found = partitions_of_texts(pa.array(keys)[3:], partitions)

    assert found.tolist() == [(murmur2(k.encode()) & 0x7FFFFFFF) % partitions for k in keys[3:]]
