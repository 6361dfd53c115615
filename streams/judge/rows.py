"""Builds the rows to store: the contract's columns, and where the record came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.dedup.blocks import I64
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.fetch.provenance import OriginRun, received_ms, run_numbers, runs

_MS = pa.timestamp("ms", "UTC")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the records came from; one entry a record, except `runs`, which `run` numbers.

    `incarnation` is that of the topic: only with it does a coordinate name one record for good.
    """

    partition: Partition
    offsets: I64
    appended_ms: I64
    received_ms: I64
    run: I64
    runs: Sequence[OriginRun]
    incarnation: str = ""

    def take(self, rows: npt.NDArray[np.int64]) -> Origin:
        """The origins of *rows* only."""
        return replace(
            self,
            offsets=self.offsets[rows],
            appended_ms=self.appended_ms[rows],
            received_ms=self.received_ms[rows],
            run=self.run[rows],
        )


def origin_of(fetched: FetchedBatch) -> Origin:
    """Where the records of *fetched* came from."""
    origin_runs = runs(fetched.headers)
    return Origin(
        fetched.partition,
        fetched.offsets,
        fetched.appended_ms,
        received_ms(origin_runs, fetched.appended_ms),
        run_numbers(origin_runs),
        origin_runs,
        fetched.incarnation,
    )


def origin_columns(origin: Origin) -> dict[str, pa.Array]:
    """The columns that say whose a row is and which record it was."""
    count = len(origin.offsets)
    zeros = np.zeros(count, np.int64)
    return {
        "tenant": _dictionary(origin.run, [run.tenant or "" for run in origin.runs]),
        "received_at": pa.array(origin.received_ms).cast(_MS),
        "request_id": _dictionary(origin.run, [run.request_id for run in origin.runs]),
        "_topic": _dictionary(zeros, [origin.partition.topic]),
        "_incarnation": _dictionary(zeros, [origin.incarnation]),
        "_partition": pa.array(np.full(count, origin.partition.number, np.int32)),
        "_offset": pa.array(origin.offsets),
        "_appended_at": pa.array(origin.appended_ms).cast(_MS),
    }


def _dictionary(numbers: I64, values: list[str]) -> pa.Array:
    # ClickHouse refuses a dictionary that holds a value twice, so it is encoded, not assembled.
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.to_numpy()[numbers], encoded.dictionary)


def event_rows(
    columns: Mapping[str, pa.Array],
    ids: pa.StringArray,
    origin: Origin,
    keep: npt.NDArray[np.int64],
) -> pa.RecordBatch:
    """Rows of one event table: of the valid records, those at the positions *keep*.

    *columns*, *ids* and *origin* have one entry a valid record.
    """
    rows = pa.RecordBatch.from_pydict({**origin_columns(origin), "_id": ids, **columns})
    if len(keep) == len(ids):
        return rows
    # A mask is twice as fast as positions, as kept rows mostly lie side by side.
    wanted = np.zeros(len(ids), np.bool_)
    wanted[keep] = True
    return rows.filter(pa.array(wanted))
