"""The id that each record of a topic carries, read as the worker reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from events.check.check import check_records
from events.contract.id_rules import AS_STORED, IdRules
from events.contract.partitioner import partitions_of
from events.contract.registry import BY_TOPIC, REJECTED_TOPIC
from railhead.audit.queries import Coordinate, Key
from streams.fetch.fetched_batch import Partition, batch_of
from streams.fetch.provenance import OriginRun, runs
from streams.judge.dead_letters import dead_letter_rows


def keys_of(
    topic: str, partition: int, records: Sequence[Any], rules: IdRules, incarnation: str
) -> dict[int, Key | None]:
    """The key of each record's row, by offset; None where the contract rejects the record.

    A record with an empty id has a key: an earlier version may have stored it.
    """
    if not records:
        return {}
    if topic == REJECTED_TOPIC:
        dead_letters = _dead_letters(partition, records, incarnation)
        return {one["_offset"]: (one["tenant"], one["_report"]) for one in dead_letters}
    tenants = [""] * len(records)
    for run in runs([record.headers for record in records]):
        tenants[run.start : run.end] = [run.tenant or ""] * (run.end - run.start)
    owned = [at for at, tenant in enumerate(tenants) if tenant]
    found: dict[int, Key | None] = {record.offset: None for record in records}
    checked = check_records(
        BY_TOPIC[topic],
        [records[at].value for at in owned],
        owners=[(tenants[at], records[at].timestamp) for at in owned],
        rules=replace(rules, empty_ids=True),
        templates={},
    )
    for accepted in checked.accepted:
        for position, id_ in zip(accepted.positions, accepted.ids, strict=True):
            at = owned[position]
            found[records[at].offset] = (tenants[at], id_)
    return found


def homes_of(topic: str, records: Sequence[Any], rules: IdRules, partitions: int) -> dict[int, int]:
    """The partition that each valid record's id belongs to, by offset."""
    tenants = [run.tenant for run in runs([record.headers for record in records]) for _ in _in(run)]
    checked = check_records(
        BY_TOPIC[topic],
        [record.value for record in records],
        owners=[(tenant or "", None) for tenant in tenants],
        rules=replace(rules, empty_ids=True),
        templates={},
    )
    found: dict[int, int] = {}
    for accepted in checked.accepted:
        owned = [at for at in accepted.positions if tenants[at]]
        ids = dict(zip(accepted.positions, accepted.home_ids, strict=True))
        keys = [f"{tenants[at]}:{ids[at]}".encode() for at in owned]
        homes = partitions_of(keys, partitions)
        found |= {records[at].offset: home for at, home in zip(owned, homes, strict=True)}
    return found


def _in(run: OriginRun) -> range:
    return range(run.start, run.end)


def refused_of(partition: int, records: Sequence[Any], incarnation: str) -> Iterator[Coordinate]:
    """The records that dead letters are about, of *records* of `fasttrack.rejected`."""
    for one in _dead_letters(partition, records, incarnation) if records else ():
        if one["topic"] and one["partition"] is not None and one["offset"] is not None:
            yield one["topic"], one["partition"], one["offset"], one["incarnation"]


def _dead_letters(partition: int, records: Sequence[Any], incarnation: str) -> list[dict[str, Any]]:
    here = batch_of(Partition(REJECTED_TOPIC, partition), records, follows=records[0].offset)
    judged = dead_letter_rows(replace(here, incarnation=incarnation), {})
    assert judged.rows is not None  # noqa: S101 - without records we are not called
    return list(judged.rows.to_pylist())


def say_the_same(topic: str, one: bytes | None, other: bytes | None) -> bool:
    """Whether two records have the same content in the contract's terms."""
    checked = check_records(BY_TOPIC[topic], [one, other], rules=AS_STORED)
    if not checked.accepted or len(checked.accepted[0]) < 2:
        return False
    first, second = checked.accepted[0].fingerprints().tolist()
    return bool(first == second)
