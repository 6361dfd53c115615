"""Judges a fetched batch: check, dedup and rows to write, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from events.check.check import check_records
from events.check.result import CheckedType, Rejection
from events.check.template.check import KnownTemplates
from events.contract.id_rules import IdRules
from events.contract.registry import EventType
from streams.dedup.blocks import IdBlock
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch
from streams.fetch.provenance import OriginRun
from streams.judge.adjusted import Adjusted, adjusted_by_tenant
from streams.judge.doubts import Doubt, doubts_of, new_in_doubt, repeats_in_doubt
from streams.judge.moves import Move, find_astray, moves_of
from streams.judge.outcomes import (
    NOTHING,
    Candidates,
    Outcome,
    OutcomeCounts,
    decide,
    decide_staying,
    sum_of,
)
from streams.judge.rejects import RejectedRecord, conflict_rows, reject_of
from streams.judge.rows import Origin, event_rows, origin_of
from streams.recovery.recovery_offset import already_stored

_UNKNOWN_TENANT = (
    "The tenants file has no tenant of the name in the header `tenant`; correct the name, or add "
    "the tenant and send the record again."
)
_NO_TENANT = (
    "The record has no header `tenant` with a tenant's name; send the name "
    "(a-z, 0-9, - and _, at most 63 characters) in that header."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """All that has to be written for a fetched batch before its offsets may be committed.

    `rows` holds the first occurrences that the store does not have yet; `counts` covers every
    record; `new_ids` is what the changelog must hold. `moves` are records for other partitions, and
    `kept_astray` counts those that were sent on too often already. `doubts` name records to be
    looked up in the store before anything is written: some of `rows`, and `repeats` of such rows,
    which are no rows to write. `fetched` and `dedup_index` are kept to apply the result.
    """

    counts: OutcomeCounts = NOTHING
    rows: pa.RecordBatch | None = None
    conflicts: pa.RecordBatch | None = None
    rejects: Sequence[RejectedRecord] = ()
    new_ids: IdBlock | None = None
    fetched: FetchedBatch | None = None
    dedup_index: DedupIndex | None = None
    by_tenant: dict[tuple[str, Outcome], int] = field(default_factory=dict)
    adjusted: Adjusted = field(default_factory=dict)
    moves: Sequence[Move] = ()
    kept_astray: int = 0
    doubts: Sequence[Doubt] = ()
    repeats: pa.RecordBatch | None = None
    event: str = ""


class Judge(Protocol):
    """Decides about the records of a fetched batch; changes nothing."""

    def __call__(self, fetched: FetchedBatch, stored: Mapping[int, int], /) -> Judged:
        """*stored* are offsets whose rows the store has already, with their append times."""


def judge(  # noqa: PLR0913 - keyword-only, what is known besides the records
    fetched: FetchedBatch,
    event_type: EventType,
    *,
    dedup_index: DedupIndex,
    stored: Mapping[int, int],
    rules: IdRules,
    partitions: int = 1,
    templates: KnownTemplates | None = None,
    known_tenants: Collection[str] | None = None,
) -> Judged:
    """Judge every record of *fetched* by *dedup_index*, which `remember` then changes.

    *stored* are offsets whose rows the store already has from before a crash, with their append
    times; they count as stored and are not written again. The ids of the topic are spread over
    *partitions*; *templates* are those of the template check. With *known_tenants* records of
    other tenants are rejected. Each record gets exactly one outcome.
    """
    origin = origin_of(fetched)
    origin_runs = origin.runs
    if rejections := _without_owner(origin, event_type, known_tenants, stored):
        judge_others = partial(
            judge,
            event_type=event_type,
            dedup_index=dedup_index,
            stored=stored,
            rules=rules,
            partitions=partitions,
            templates=templates,
            known_tenants=known_tenants,
        )
        return judge_apart(fetched, origin, rejections, judge_others)
    owners = _owners(origin_runs, fetched) if rules.touches(event_type) else None
    checked = check_records(
        event_type, fetched.values, owners=owners, rules=rules, templates=templates
    )
    rejects = [reject_of(fetched, origin, rejection) for rejection in checked.rejected]
    if not checked.accepted:
        return Judged(OutcomeCounts(rejected=len(rejects)), rejects=rejects)
    context = _Context(dedup_index, stored, rejects, partitions, rules)
    return _judge_valid(fetched, checked.accepted[0], origin, context)


def _without_owner(
    origin: Origin,
    event_type: EventType,
    known_tenants: Collection[str] | None,
    stored: Mapping[int, int],
) -> list[Rejection]:
    """The rejections of records that are no known tenant's."""
    if all(
        run.tenant is not None and (known_tenants is None or run.tenant in known_tenants)
        for run in origin.runs
    ):
        return []
    # A row that is there stays, also if its tenant was taken out of the file since.
    there = already_stored(origin.offsets, origin.appended_ms, stored)
    found = []
    for at, run in enumerate(origin.run.tolist()):
        tenant = origin.runs[run].tenant
        if tenant is None:
            found.append(Rejection(at, event_type.name, "no_tenant", "", _NO_TENANT))
        elif known_tenants is not None and tenant not in known_tenants and not there[at]:
            found.append(Rejection(at, event_type.name, "unknown_tenant", "", _UNKNOWN_TENANT))
    return found


def remember(judged: Judged) -> Judged:
    """Add the first occurrences of *judged* to its dedup index, for what is judged after it."""
    if judged.dedup_index is not None:
        if judged.new_ids is not None:
            judged.dedup_index.add(judged.new_ids)
        judged.dedup_index.in_doubt.update(*(doubt.offsets for doubt in judged.doubts))
    return judged


def judge_apart(
    fetched: FetchedBatch,
    origin: Origin,
    rejections: Sequence[Rejection],
    judge_others: Callable[[FetchedBatch], Judged],
) -> Judged:
    """Set aside the records of *fetched* that have *rejections*, and judge the others."""
    rejects = [reject_of(fetched, origin, rejection) for rejection in rejections]
    others = np.delete(np.arange(len(fetched)), [one.position for one in rejections])
    rest = fetched.only(others)
    judged = Judged() if rest is None else judge_others(rest)
    return replace(
        judged,
        counts=sum_of([judged.counts, OutcomeCounts(rejected=len(rejects))]),
        rejects=[*rejects, *judged.rejects],
    )


@dataclass(frozen=True, slots=True)
class _Context:
    dedup_index: DedupIndex
    stored: Mapping[int, int]
    rejects: Sequence[RejectedRecord]
    partitions: int
    rules: IdRules


def _judge_valid(
    fetched: FetchedBatch, valid: CheckedType, origin: Origin, context: _Context
) -> Judged:
    mine = origin
    if len(valid) < len(fetched):
        mine = origin.take(np.asarray(valid.positions, np.int64))
    candidates = _candidates(valid, mine)
    there = already_stored(mine.offsets, mine.appended_ms, context.stored)
    astray = find_astray(valid, mine, candidates, context.dedup_index, context.partitions)
    if astray is None:
        decision = decide(candidates, context.dedup_index)
    else:
        # What is already stored here is not sent on: it would be stored twice.
        astray = astray._replace(moving=astray.moving & ~there)
        decision = decide_staying(candidates, astray.moving, context.dedup_index)
    outcomes = decision.outcomes
    outcomes[there] = Outcome.STORED
    kept = np.flatnonzero((outcomes == Outcome.STORED) & ~there)
    conflicts = np.flatnonzero(outcomes == Outcome.CONFLICT)
    tally = np.bincount(outcomes, minlength=len(Outcome)).tolist()
    new = new_in_doubt(valid.type, mine, kept, context.rules)
    repeats = repeats_in_doubt(decision, mine.offsets[new], context.dedup_index.in_doubt)
    return Judged(
        OutcomeCounts(tally[0], tally[1], tally[2], len(context.rejects), tally[Outcome.MOVED]),
        _event_rows(valid, mine, kept),
        conflict_rows(fetched, valid, mine, conflicts, decision),
        context.rejects,
        decision.new_ids,
        fetched,
        context.dedup_index,
        _tally_by_tenant(mine, outcomes),
        adjusted_by_tenant(valid, mine, outcomes),
        () if astray is None else moves_of(fetched, valid, mine, astray),
        0 if astray is None else astray.kept,
        list(doubts_of(valid.type, mine, np.union1d(new, repeats), context.rules)),
        _event_rows(valid, mine, repeats),
        valid.type.name,
    )


def _event_rows(
    valid: CheckedType, origin: Origin, kept: npt.NDArray[np.int64]
) -> pa.RecordBatch | None:
    if not len(kept):
        return None
    return event_rows({**valid.columns(), **valid.lists()}, valid.id_array, origin, kept)


def _candidates(valid: CheckedType, origin: Origin) -> Candidates:
    whose = pa.array([(run.tenant or "") + "\0" for run in origin.runs])
    keys = pc.binary_join_element_wise(whose.take(pa.array(origin.run)), valid.id_array, "")
    digests = map(xxhash.xxh3_128_digest, keys.cast(pa.binary()).to_pylist())
    hashes = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)
    return Candidates(
        hashes[0::2],
        hashes[1::2],
        origin.offsets,
        origin.appended_ms,
        (valid.fingerprints() & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        origin.incarnation,
    )


def _owners(
    origin_runs: Sequence[OriginRun], fetched: FetchedBatch
) -> list[tuple[str | None, int | None]]:
    tenants = [run.tenant or "" for run in origin_runs for _ in range(run.start, run.end)]
    return list(zip(tenants, fetched.appended_ms.tolist(), strict=True))


def _tally_by_tenant(
    origin: Origin, outcomes: npt.NDArray[np.uint8]
) -> dict[tuple[str, Outcome], int]:
    tally: dict[tuple[str, Outcome], int] = {}
    for number, row in enumerate(
        np.bincount(origin.run * len(Outcome) + outcomes, minlength=len(Outcome) * len(origin.runs))
        .reshape(-1, len(Outcome))
        .tolist()
    ):
        tenant = origin.runs[number].tenant or ""
        for outcome, count in enumerate(row):
            if count:
                key = (tenant, Outcome(outcome))
                tally[key] = tally.get(key, 0) + count
    return tally
