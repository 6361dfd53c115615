"""The table of mutants: each breaks the product in one way, and names the test that must catch it.

A mutant replaces one function of the product in the test process; the product itself knows
nothing of mutants. Its name in `RAILHEAD_MUTANT` switches it on (tests/conftest.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

PROMISE = "tests/streams/partition/test_promise.py::"
REFUSED = "tests/streams/partition/test_refused_rows.py::"
FETCHED = "tests/streams/fetch/test_fetched_batches.py::"
BOMBS = "tests/streams/fetch/test_bombs.py::"
WINDOWS = "tests/streams/fetch/test_window_turns.py::"
HARMED = "tests/streams/fetch/test_harmed_batches.py::"
INDEX_RECOVERY = "tests/streams/dedup/test_table_recovery.py::"
RECOVERY = "tests/streams/recovery/test_recovery_offset.py::"
INCARNATIONS = "tests/streams/faust/test_incarnations.py::"
POSITIONS = "tests/streams/faust/test_positions.py::"
EVERY_MOMENT = PROMISE + "test_a_worker_may_die_at_every_moment"


@dataclass(frozen=True)
class Mutant:
    """One break: what it does, the test that must fail with it, and how it is made."""

    name: str
    what: str
    caught_by: str
    apply: Callable[[], None]


def _set(owner: object, name: str, value: object) -> None:
    """Give `owner`'s attribute *name* another value; there must be one, or nothing is broken."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name}: the mutant breaks nothing")
    setattr(owner, name, value)


def _mark_ids_with_true() -> None:
    from streams.judge import outcomes

    original = outcomes.decide

    def decide(candidates: Any, dedup_index: Any) -> Any:
        known = dedup_index.look_up(candidates.high, candidates.low).offsets >= 0
        decision = original(candidates, dedup_index)
        decision.outcomes[known] = outcomes.Outcome.DUPLICATE
        return decision

    _set(outcomes, "decide", decide)


def _acknowledge_before_insert() -> None:
    from streams.partition.writer import PartitionWriter

    original = PartitionWriter._write

    async def write(self: Any, batches: list[Any]) -> None:
        for acknowledge in (call for one in batches for call in one.acknowledge):
            acknowledge()
        await original(self, batches)

    _set(PartitionWriter, "_write", write)


def _commit_before_changelog() -> None:
    from streams.partition.durable_writes import DurableWrites

    original = DurableWrites._changelog
    later: set[asyncio.Task[None]] = set()

    async def changelog(self: Any, span: Any, blocks: Any) -> None:
        async def write() -> None:
            for _ in range(8):
                await asyncio.sleep(0)
            await original(self, span, blocks)

        later.add(asyncio.ensure_future(write()))

    _set(DurableWrites, "_changelog", changelog)


def _token(text: Callable[[Any], str]) -> Callable[[], None]:
    def apply() -> None:
        from streams.partition.durable_writes import InsertBatch

        _set(InsertBatch, "token", lambda self, _generation: text(self))

    return apply


def _trust_the_token() -> None:
    from streams.partition.insertion import Insertion

    async def nothing(self: Any) -> Any:
        return self._rows.slice(0, 0)

    _set(Insertion, "_missing", nothing)


def _skip_the_stores_check() -> None:
    from streams.recovery import recovery_offset

    async def find_recovery_offset(
        _store: Any, _table: str, fetched: Any, *, start_offset: int, **_: Any
    ) -> Any:
        start = min(start_offset, fetched.follows)
        return recovery_offset.RecoveryOffset(start, start, {})

    _set(recovery_offset, "find_recovery_offset", find_recovery_offset)


def _offsets_name_records_of_any_incarnation() -> None:
    from streams.recovery import recovery_offset

    _set(recovery_offset, "of_this_incarnation", lambda ranges, _batch: list(ranges))


def _trust_the_commit() -> None:
    from streams.recovery import recovery_offset

    original = recovery_offset.find_recovery_offset

    async def nothing_after(_appended_ms: int, _before: int) -> int | None:
        return None

    async def find_recovery_offset(*args: Any, **options: Any) -> Any:
        return await original(*args, **options | {"first_after": nothing_after})

    _set(recovery_offset, "find_recovery_offset", find_recovery_offset)


def _pass_over_blocks() -> None:
    from streams.dedup.table import DedupStore

    def set_persisted_offset(self: Any, tp: Any, offset: int) -> None:
        self._applied[tp] = max(offset, self._applied.get(tp, -1))

    _set(DedupStore, "set_persisted_offset", set_persisted_offset)


def _answer_before_acks() -> None:
    from ingest_http import bulk

    async def acknowledged(*_: Any) -> list[Any]:
        return []

    _set(bulk, "_acknowledged", acknowledged)


def _raise_out_of_the_loop() -> None:
    from streams.partition.retry_policy import RetryPolicy

    async def until_done(_self: Any, _step: str, write: Any) -> Any:
        return await write()

    _set(RetryPolicy, "until_done", until_done)


def _pass_unprocessed_offsets() -> None:
    from streams.faust.commit_tracker import CommitTracker

    def next_commit(self: Any, tp: Any) -> int | None:
        acked = self._acked[tp]
        return max(acked) + 1 if acked else None

    _set(CommitTracker, "next_commit", next_commit)


def _cover_batches_that_did_not_arrive() -> None:
    from streams.partition.writer import PartitionWriter

    async def go_on(self: Any, fetched: Any) -> None:
        self._next = fetched.follows

    _set(PartitionWriter, "_go_back", go_on)


def _ignore_refusals() -> None:
    from streams.partition.durable_writes import DurableWrites

    original = DurableWrites._insert

    async def insert(self: Any, *given: Any) -> set[int]:
        await original(self, *given)
        return set()

    _set(DurableWrites, "_insert", insert)


def _keep_refused_ids_in_the_index() -> None:
    from streams.partition import writer

    _set(writer, "forget", lambda *_: None)


def _keep_refused_ids_in_the_changelog() -> None:
    from streams.partition.durable_writes import DurableWrites

    original = DurableWrites._rows

    async def rows(self: Any, span: Any, judged: Any, *given: Any) -> Any:
        settled = await original(self, span, judged, *given)
        return [
            replace(last, new_ids=one.new_ids) for last, one in zip(settled, judged, strict=True)
        ]

    _set(DurableWrites, "_rows", rows)


def _judge_only_the_range_again() -> None:
    from collections import deque

    from streams.partition.writer import PartitionWriter

    original = PartitionWriter._judge_again

    def judge_again(self: Any, batches: Any, *given: Any) -> Any:
        queued, self._pending = self._pending, deque(batches)
        try:
            return original(self, batches, *given)
        finally:
            self._pending = queued

    _set(PartitionWriter, "_judge_again", judge_again)


def _let_repeats_of_refused_rows_stay() -> None:
    from streams.judge.judge import remember
    from streams.partition import refusals, writer

    def judge_without(fetched: Any, refused: Any, judge: Any) -> Any:
        # The refused rows stay while all is judged, and are removed only then.
        remember(judge(fetched))
        return original(fetched, refused, judge)

    original = refusals.judge_without
    _set(writer, "judge_without", judge_without)


def _believe_later_occurrences() -> None:
    from streams.judge import outcomes

    original = outcomes._here_or_later

    def here_or_later(candidates: Any, known: Any) -> Any:
        here, later = original(candidates, known)
        return here, np.zeros_like(later)

    _set(outcomes, "_here_or_later", here_or_later)


def _forget_one_of_two_occurrences() -> None:
    from streams.dedup.index import DedupIndex

    def forget(self: Any, high: Any, low: Any) -> None:
        for segment in self._segments:
            rows = segment.find(high, low)
            segment.blank(rows[rows >= 0])

    _set(DedupIndex, "forget", forget)


def _leave_the_incarnation_out() -> None:
    from streams.judge.moved_from import MovedFrom

    original = MovedFrom.header
    _set(MovedFrom, "header", lambda self: original(self._replace(incarnation="")))


def _believe_every_time_of_a_block() -> None:
    from streams.dedup.index import DedupIndex

    original = DedupIndex.add
    _set(DedupIndex, "add", lambda self, block, **_: original(self, block))


def _wait_for_what_is_not_there() -> None:
    from streams.faust.gap_detector import GapDetector

    _set(GapDetector, "holds_nothing", lambda *_: False)


def _look_for_no_conflicts() -> None:
    from streams.recovery import holes

    original = holes._expected
    _set(
        holes,
        "_expected",
        lambda entry, table: 0 if table == "conflicts" else original(entry, table),
    )


def _raise_an_alarm_at_each_look() -> None:
    from streams import alarms

    original = alarms.raise_alarms
    _set(
        alarms,
        "raise_alarms",
        lambda partition, found, metrics, _: original(partition, found, metrics, set()),
    )


def _rewind_to_the_last_fault() -> None:
    from railhead.audit import rewind

    original = rewind._missing
    rewind._missing = lambda *given: iter(list(original(*given))[-1:])


def _drop_what_has_no_record() -> None:
    from streams.fetch import fetcher_seam

    _set(fetcher_seam, "without_records", lambda *_: None)


def _begin_at_the_first_record() -> None:
    from dataclasses import replace

    from streams.fetch.fetcher_seam import BatchRecords

    original = BatchRecords.take

    def take(self: Any, limit: int, **options: Any) -> Any:
        fetched = original(self, limit, **options)
        return replace(fetched, follows=fetched.first) if fetched and len(fetched) else fetched

    _set(BatchRecords, "take", take)


def _go_back_once() -> None:
    from streams.partition.writer import PartitionWriter

    original = PartitionWriter._go_back

    async def go_back(self: Any, fetched: Any) -> None:
        if self._rewound_to != self._next:
            await original(self, fetched)

    _set(PartitionWriter, "_go_back", go_back)


def _pass_holes_in_what_was_handed_on() -> None:
    from streams.faust.positions import FetchPositions

    _set(FetchPositions, "hand_on", lambda self, tp, _follows, end: self.go_to({tp: end}))


def _never_look_for_what_nobody_got() -> None:
    from streams.faust.positions import FetchPositions

    _set(FetchPositions, "lost_from", lambda *_, **__: None)


def _times_of_records_only() -> None:
    from dataclasses import replace

    from streams.fetch.fetcher_seam import BatchRecords

    original = BatchRecords._whole

    def whole(self: Any, fetched: Any, follows: int) -> Any:
        found = original(self, fetched, follows)
        return replace(found, latest_ms=0) if found and len(found) else found

    _set(BatchRecords, "_whole", whole)


def _believe_the_commit_past_the_ledger() -> None:
    from streams.recovery import recovery_offset

    async def committed(*args: Any) -> int:
        return int(args[2])

    _set(recovery_offset, "_end_of_ledger", committed)


def _believe_the_ledger_without_rows() -> None:
    from streams.recovery import recovery_offset

    async def nothing(*_: Any, **__: Any) -> list[Any]:
        return []

    _set(recovery_offset, "short_ranges", nothing)


def _pass_gaps_in_the_ledger() -> None:
    from streams.recovery import recovery_offset

    _set(recovery_offset, "first_gap", lambda *_, **__: None)


def _store_again_in_the_same_generation() -> None:
    from dataclasses import replace

    from streams.recovery import recovery_offset

    original = recovery_offset.find_recovery_offset

    async def find_recovery_offset(*args: Any, **options: Any) -> Any:
        return replace(await original(*args, **options), generation=0)

    _set(recovery_offset, "find_recovery_offset", find_recovery_offset)


def _look_only_before_a_batch() -> None:
    from streams.recovery.mending import Mending

    async def look(_self: Any) -> None:
        return None

    _set(Mending, "look", look)


def _offsets_without_their_incarnation() -> None:
    from streams.judge import outcomes

    original = outcomes._here_or_later

    def here_or_later(candidates: Any, known: Any) -> Any:
        _, later = original(candidates, known)
        return known.offsets == candidates.offsets, later

    _set(outcomes, "_here_or_later", here_or_later)


def _ranges_of_any_incarnation() -> None:
    from streams.recovery import recovery_offset

    _set(recovery_offset, "may_be_of", lambda *_: True)


def _blocks_without_an_incarnation() -> None:
    from streams.dedup import table
    from streams.dedup.blocks import pack

    _set(table, "pack", lambda block: pack(replace(block, incarnation="")))


def _believe_what_a_report_says() -> None:
    from streams.judge import dead_letters

    original = dead_letters._report

    def report(fetched: Any, at: int, dead_letter: Any) -> str:
        return dead_letter.report or original(fetched, at, dead_letter)

    _set(dead_letters, "_report", report)


def _read_dead_letters_leniently() -> None:
    import msgspec

    from streams.judge import dead_letters

    _set(
        dead_letters, "_decode", msgspec.json.Decoder(dead_letters._DeadLetter, strict=False).decode
    )


def _name_rejects_by_request_id() -> None:
    from ingest_http import dead_letters

    _set(dead_letters, "report_of_item", lambda _, position: f"r:{position}")


def _take_a_recreated_topic_for_the_same() -> None:
    from streams.faust.fetch_by_id import Incarnations

    async def refresh(self: Any, client: Any, topics: Any) -> set[str]:
        from streams.faust.topic_ids import topic_ids

        self.ids |= await topic_ids(client, topics)
        return set()

    _set(Incarnations, "refresh", refresh)


def _batches_without_end() -> None:
    from streams.fetch import fetcher_seam

    _set(fetcher_seam, "BATCH_BYTES", 2**40)


def _hold_long_records() -> None:
    from streams.fetch import record_runs

    def whole(opened: Any, end: int) -> bytes:
        opened.fill(end)
        record = opened.held[:end]
        opened.skip(end)
        return bytes(record)

    _set(record_runs, "_shortened", whole)


def _open_as_aiokafka_does() -> None:
    from aiokafka.record.memory_records import MemoryRecords

    from streams.fetch import batch_headers

    class Unbounded(MemoryRecords):  # type: ignore[misc]
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            self.data = data

    _set(batch_headers, "BoundedRecords", Unbounded)


def _hold_long_messages() -> None:
    from streams.fetch import old_batches

    _set(old_batches, "RECORD_BYTES", 2**40)


def _keep_every_window() -> None:
    from streams.fetch.window_turns import WindowTurns

    _set(WindowTurns, "take", lambda *_: True)


def _see_the_first_window_only() -> None:
    from streams.fetch import batch_headers, decompression

    _set(batch_headers, "widest_window", decompression._window)


def _open_on_the_loop() -> None:
    from streams.fetch.batch_headers import Batches

    _set(Batches, "opens_long", lambda _: False)


def _keep_what_was_fetched() -> None:
    from streams.fetch.fetcher_seam import LoopRecords

    _set(LoopRecords, "_unpack_records", LoopRecords._loop)


def _gather_without_end() -> None:
    from streams.dedup import table

    _set(table, "GATHERED_BYTES", 2**40)


def _remember_nothing_in_a_batch() -> None:
    from streams.judge import outcomes

    _set(outcomes, "_repeats_within", lambda *_: None)


def _forget_the_window() -> None:
    from streams.judge import outcomes

    original = outcomes.decide

    def decide(candidates: Any, dedup_index: Any) -> Any:
        frozen = outcomes.Candidates(
            candidates.high,
            candidates.low,
            candidates.offsets,
            np.zeros_like(candidates.appended_ms),
            candidates.fingerprints,
        )
        return original(frozen, dedup_index)

    _set(outcomes, "decide", decide)


def _round_otherwise_in_columns() -> None:
    from decimal import ROUND_DOWN, Decimal

    from events.check.columnar import vectors
    from events.values.amounts import adjusted_amount

    def truncated(_index: int, text: str) -> Any:
        value, adjustment = adjusted_amount(text)
        if adjustment is not None:
            value = Decimal(text).quantize(Decimal("1e-18"), ROUND_DOWN)
        return f"{value:f}", adjustment

    _set(vectors, "_exact_amount", truncated)


def _refuse_times_that_are_not_set() -> None:
    from events.check.columnar import vectors
    from events.values.instants import format_instant, read_instant

    _set(vectors, "_exact_instant", lambda _, __, text: (format_instant(read_instant(text)), None))


def _expect_more_after_a_full_chunk() -> None:
    from ingest_http.body.decompress import CHUNK_BYTES, ZlibDecoder

    def feed(self: Any, data: bytes) -> Any:
        fetched = b""
        while data or len(fetched) == CHUNK_BYTES:
            if self._inner.eof:
                self._inner = self._new()
            fetched = self._inner.decompress(data, CHUNK_BYTES)
            data = self._inner.unconsumed_tail or self._inner.unused_data
            yield fetched

    _set(ZlibDecoder, "feed", feed)


def _let_faust_read_the_environment() -> None:
    from streams import app

    class Reading(app.RailheadApp):
        def __init__(self, name: str, *, env: Any, **options: Any) -> None:
            del env
            super().__init__(name, **options)

    _set(app, "RailheadApp", Reading)


def _weaken_topics() -> None:
    from railhead.kafka import topic_plan

    _set(topic_plan, "kept_safe", lambda wanted, _found, _settings: wanted)


def _judge_where_it_lies() -> None:
    from streams.judge import judge

    _set(judge, "find_astray", lambda *_: None)


def _move_what_is_known_here() -> None:
    from streams.judge import moves

    _set(
        moves, "_known_here", lambda _candidates, _dedup_index, rows: np.zeros(len(rows), np.bool_)
    )


def _move_without_end() -> None:
    from streams.judge import moves

    _set(moves, "MOST_TIMES", 10**9)


def _do_not_wait_for_moves() -> None:
    from streams.partition.durable_writes import DurableWrites

    original = DurableWrites._moves
    later: set[asyncio.Task[None]] = set()

    async def moves(self: Any, span: Any, judged: Any) -> None:
        async def send() -> None:
            for _ in range(8):
                await asyncio.sleep(0)
            await original(self, span, judged)

        later.add(asyncio.ensure_future(send()))

    _set(DurableWrites, "_moves", moves)


def _partition_by_the_whole_id() -> None:
    from events.contract.id_rules import IdRules

    _set(IdRules, "home_fields", IdRules.fields_for)


def _trust_the_new_rule() -> None:
    from streams.judge import judge

    _set(judge, "doubts_of", lambda *_: ())


def _leave_repeats_in_doubt() -> None:
    import numpy as np

    from streams.judge import judge

    _set(judge, "repeats_in_doubt", lambda *_: np.zeros(0, np.int64))


def _remember_repeats_of_other_rules() -> None:
    from streams.judge import other_rules

    _set(other_rules, "_forgotten", lambda part, _offsets: part.new_ids)


def _forget_the_past_rule() -> None:
    from events.contract.id_rules import IdRules

    original = IdRules.fields_for

    def fields_for(
        self: Any, tenant: Any, event_type: Any, appended_ms: Any = None
    ) -> tuple[str, ...]:
        del appended_ms
        return original(self, tenant, event_type)

    _set(IdRules, "fields_for", fields_for)


def _same_field_is_the_same_item() -> None:
    from streams.judge import other_rules

    _set(other_rules, "_id", lambda row, _fields: row["payment_id"])


def _judge_without_a_file() -> None:
    from events.contract.id_rules import DEFAULT_RULES
    from tenants import id_rules

    original = id_rules._read

    def read(path: Any) -> Any:
        return original(path) if path.exists() else (DEFAULT_RULES, frozenset())

    _set(id_rules, "_read", read)


MOVES = "tests/streams/judge/test_moves.py::"
OTHER_RULES = "tests/streams/judge/test_other_rules.py::"
ORDERS = "tests/streams/judge/test_orders_across_rules.py::"


def _hang_up_at_once() -> None:
    from ingest_http.http.lingering import Lingering

    async def discard(*_: Any) -> None:
        await asyncio.sleep(0)

    _set(Lingering, "_discard", discard)


def _take_objects_for_numbers() -> None:
    from events.values import canonical

    _set(canonical, "_escaped", lambda content: content)


def _fill_under_the_same_version() -> None:
    from sinks import fill
    from sinks.arrow import encode

    def replace_rows(client: Any, table: str, rows: Any) -> None:
        client.raw_insert(
            f"fasttrack_store.{table}",
            column_names=rows.column_names,
            insert_block=bytes(encode(rows.combine_chunks())),
            settings=fill._INSERT_SETTINGS,
            fmt="ArrowStream",
        )

    _set(fill, "_replace", replace_rows)


def _note_progress_before_the_rows() -> None:
    from sinks import fill

    original = fill._next_rows
    reached: dict[str, tuple[str, str]] = {}

    def next_rows(client: Any, table: str, field: Any, after: tuple[str, str]) -> Any:
        rows = original(client, table, field, max(after, reached.get(table, after)))
        if rows.num_rows:
            reached[table] = rows["tenant"][-1].as_py(), rows["_id"][-1].as_py()
        return rows

    _set(fill, "_next_rows", next_rows)


def _fill_what_is_filled() -> None:
    from sinks import fill

    _set(fill, "NOT_READ", "_bets_read")


def _pass_over_bets_without_legs() -> None:
    from events.check.columnar import lists

    class Shifted:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        def searchsorted(self, owners: Any, indexes: Any) -> Any:
            _, dense = np.unique(owners, return_inverse=True)
            return np.searchsorted(dense, indexes)

    _set(lists, "np", Shifted())


def _store_legs_content_as_it_is_hashed() -> None:
    from events.check import columns
    from events.check.columnar import lists
    from events.values.canonical import canonical

    original = columns.columns_of

    def columns_of(rows: Any, *kinds: Any) -> Any:
        import pyarrow as pa

        columns = original(rows, *kinds)
        for name in ("outcomes", "meta"):
            texts = columns[name].to_pylist()
            written = [text and canonical(text.encode()).decode() for text in texts]
            columns[name] = pa.array(written, columns[name].type)
        return columns

    _set(lists, "columns_of", columns_of)


def _round_half_up() -> None:
    from events.values import amounts

    def rounded(digits: str, surplus: int) -> str:
        if surplus > len(digits):
            return "0"
        return str(int(digits[:-surplus] or "0") + (digits[-surplus] >= "5"))

    _set(amounts, "_rounded", rounded)


def _round_in_silence() -> None:
    from events.check.columnar import vectors

    original = vectors._exact_amount
    _set(vectors, "_exact_amount", lambda index, text: (original(index, text)[0], None))


def _set_unset_times_to_the_nearest() -> None:
    from events.check.columnar import vectors
    from events.contract.adjustments import Adjustment
    from events.values.instants import EARLIEST_NS, adjusted_instant, format_instant

    def exact_instant(null_outside: Any, index: int, text: str) -> Any:
        value, adjustment = adjusted_instant(text, optional=null_outside(index))
        if adjustment is Adjustment.TIME_UNSET:
            value = EARLIEST_NS
        return None if value is None else format_instant(value), adjustment

    _set(vectors, "_exact_instant", exact_instant)


def _leave_required_times_unset() -> None:
    from events.check.columnar import vectors

    original = vectors._exact_instant
    _set(
        vectors, "_exact_instant", lambda _, index, text: original(lambda _index: True, index, text)
    )


def _let_all_arithmetic_pass() -> None:
    from engine_http.execution import jobs

    _set(jobs, "check_arithmetic", lambda _lines: None)


def _let_pass(function: str) -> Callable[[], None]:
    def apply() -> None:
        from engine_http.statements import exactness

        assert hasattr(exactness, function)
        setattr(exactness, function, lambda *_: None)

    return apply


def _believe_sums_are_of_one_row() -> None:
    from engine_http.statements import exactness

    _set(exactness, "ROWS", 1)


def _without_setting(name: str) -> Callable[[], None]:
    def apply() -> None:
        from engine_http.engine import config

        del config.EXACT_SETTINGS[name]

    return apply


def _let_all_enter() -> None:
    from ingest_http.body.admission import AdmissionControl

    _set(AdmissionControl, "admits", lambda *_: True)


def _first_come_first_served() -> None:
    from ingest_http.body.admission import AdmissionControl

    def admits(self: Any, _tenant: str, more_bytes: int) -> bool:
        return bool(self.used_bytes + more_bytes <= self.size_bytes)

    _set(AdmissionControl, "admits", admits)


def _give_back_twice() -> None:
    from ingest_http.body.admission import Reservation

    def leave(self: Any) -> None:
        self._admission.take(self._tenant, -self.held_bytes)

    _set(Reservation, "leave", leave)


def _free_when_answered() -> None:
    from ingest_http import bulk

    admit, acknowledged = bulk._admit, bulk._acknowledged
    reservations: list[Any] = []

    def noted(*args: Any, **options: Any) -> Any:
        reservations.append(admit(*args, **options))
        return reservations[-1]

    async def freed(*args: Any) -> Any:
        try:
            return await acknowledged(*args)
        finally:
            while reservations:
                reservations.pop().leave()

    _set(bulk, "_admit", noted)
    _set(bulk, "_acknowledged", freed)


def _count_the_body_only() -> None:
    from ingest_http import batch

    original = batch._add

    def add(*args: Any) -> int:
        original(*args)
        return 0

    _set(batch, "_add", add)


def _forget_the_decoders_window() -> None:
    from ingest_http.body import body

    original = body._check_size

    def check_size(size: int, plan: Any, reservation: Any, *, decoder: int = 0) -> None:
        del decoder
        original(size, plan, reservation)

    _set(body, "_check_size", check_size)


def _end_with_the_input() -> None:
    from ingest_http.body.decompress import CHUNK_BYTES, ZlibDecoder

    def feed(self: Any, data: bytes) -> Any:
        while data:
            if self._inner.eof:
                self._inner = self._new()
            fetched = self._inner.decompress(data, CHUNK_BYTES)
            data = self._inner.unconsumed_tail or self._inner.unused_data
            yield fetched

    _set(ZlibDecoder, "feed", feed)


def _zstd_feed(goes_on: Callable[[Any, bytes], bool]) -> Callable[[], None]:
    def apply() -> None:
        from ingest_http.body.decompress import CHUNK_BYTES, ZstdDecoder

        def feed(self: Any, data: bytes) -> Any:
            while goes_on(self._inner, data):
                if self._inner.eof:
                    self._inner = self._new()
                fetched = self._inner.decompress(data, CHUNK_BYTES)
                data = self._inner.unused_data if self._inner.eof else b""
                yield fetched

        _set(ZstdDecoder, "feed", feed)

    return apply


def _hold_bodies_of_any_size() -> None:
    from engine_http.http.spool import Spool

    original = Spool.__init__

    def init(self: Any, directory: Any, *, most_bytes: int) -> None:
        original(self, directory, most_bytes=max(most_bytes, 2**40))

    _set(Spool, "__init__", init)


def _hold_bodies_in_memory() -> None:
    from engine_http.http import spool

    _set(spool, "IN_MEMORY_BYTES", 2**40)


def _open_at_once() -> None:
    from engine_http.http import decompression

    _set(decompression, "CHUNK_BYTES", 2**26)


def _believe_the_sizes_of_frames() -> None:
    from engine_http.http import frames

    _set(frames, "_check_sizes", lambda *_: None)


def _open_frames_of_any_length() -> None:
    from engine_http.http import decompression, encodings

    decompression._DECOMPRESSORS["zstd"] = encodings.zstd.ZstdDecompressor


def _leave_before_the_thread() -> None:
    from engine_http import handler

    _set(handler, "ended", asyncio.shield)


def _wait_for_a_long_place() -> None:
    from engine_http.execution.pools import ReadPools

    async def enter(self: Any) -> Any:
        await self.long.enter()
        return self.long

    _set(ReadPools, "enter", enter)


def _never_end_a_trial() -> None:
    from engine_http.execution.trials import Trials

    async def end_overdue(self: Any) -> None:
        if self._limits:
            await self._overdue(list(self._limits))

    _set(Trials, "end_overdue", end_overdue)


def _end_all_trials_with_one() -> None:
    from engine_http.execution.trials import Trials

    async def end_overdue(self: Any) -> None:
        if self._limits and await self._overdue(list(self._limits)):
            now = asyncio.get_running_loop().time()
            for limit in self._limits.values():
                limit.reschedule(now)

    _set(Trials, "end_overdue", end_overdue)


def _expire_in_use() -> None:
    from engine_http.execution.sessions import Session

    _set(Session, "busy", property(lambda _: False))


def _age_while_used() -> None:
    from engine_http.execution import sessions

    original = sessions.Session.hold

    def hold(self: Any, seconds: int) -> None:
        original(self, seconds)
        self.expires_at = time.monotonic() + seconds

    def release(self: Any) -> None:
        self._holders -= 1

    _set(sessions.Session, "hold", hold)
    _set(sessions.Session, "release", release)


def _take_an_empty_id_for_an_id() -> None:
    from events.check import check

    _set(check, "_empty_ones", lambda *_: {})


def _overlook_short_gaps() -> None:
    from railhead.doctor.parts import gaps

    _set(gaps, "_GAPS", gaps._GAPS.replace("first > reached + 1", "first > reached + 100"))


ADJUSTMENTS = "tests/events/test_adjustments.py::"
LEGS = "tests/sinks/test_legs.py::"
ARITHMETIC = "tests/sinks/test_arithmetic.py::"
DATES = "tests/sinks/test_dates.py::"
ADMISSION = "tests/ingest_http/test_admission.py::"
OPENED = (
    "tests/ingest_http/test_decompress.py::test_a_stream_of_any_size_decompresses_to_the_content"
)
SPOOL = "tests/engine_http/test_spool.py::"
CODEC = "tests/engine_http/test_codec.py::"
SESSIONS = "tests/engine_http/test_session_table.py::"
TRIAL_ENDS = "tests/engine_http/test_trials.py::test_overdue_trials_end"

MUTANTS = (
    Mutant(
        "judge-where-it-lies",
        "records of ids that belong to another partition are judged where they are",
        MOVES + "test_a_record_counts_where_its_id_belongs_and_is_sent_there_otherwise",
        _judge_where_it_lies,
    ),
    Mutant(
        "move-what-is-known-here",
        "a repeat of what was stored here before is sent away from it",
        MOVES + "test_what_is_known_here_is_judged_here",
        _move_what_is_known_here,
    ),
    Mutant(
        "endless-moves",
        "moves have no bound",
        MOVES + "test_nothing_goes_in_circles",
        _move_without_end,
    ),
    Mutant(
        "do-not-wait-for-moves",
        "the ledger does not wait until moved records are acknowledged",
        "tests/streams/partition/test_moved_records.py::test_a_worker_may_die_at_every_moment_around_a_move",
        _do_not_wait_for_moves,
    ),
    Mutant(
        "partition-by-the-whole-id",
        "a tenant's wider id decides the partition",
        MOVES + "test_the_contracts_id_decides_the_partition_if_the_tenants_own_holds_it",
        _partition_by_the_whole_id,
    ),
    Mutant(
        "trust-the-new-rule",
        "an id that is new by a changed rule is not looked up in the store",
        OTHER_RULES + "test_a_payment_that_comes_again_under_a_wider_id_is_one_payment",
        _trust_the_new_rule,
    ),
    Mutant(
        "leave-repeats-in-doubt",
        "a repeat of a conflict across rules is judged by the conflict, not by the row",
        OTHER_RULES + "test_conflicts_of_one_rule_and_of_two_are_kept_together",
        _leave_repeats_in_doubt,
    ),
    Mutant(
        "remember-repeats-of-other-rules",
        "the id of a repeat is remembered as if it were a row's",
        ORDERS + "test_the_log_alone_decides",
        _remember_repeats_of_other_rules,
    ),
    Mutant(
        "same-field-same-item",
        "rows with one payment's id are one item whatever the rule",
        OTHER_RULES + "test_a_payment_that_comes_again_under_a_wider_id_is_one_payment",
        _same_field_is_the_same_item,
    ),
    Mutant(
        "forget-the-past-rule",
        "the newest rule makes the ids of older records, too",
        "tests/events/test_id_rules.py::test_a_rule_applies_from_its_moment_on",
        _forget_the_past_rule,
    ),
    Mutant(
        "judge-without-a-file",
        "a missing tenants file means the contract's rules",
        "tests/tenants/test_id_rules.py::test_without_a_usable_tenants_file_nothing_is_judged",
        _judge_without_a_file,
    ),
    Mutant(
        "mark-seen-with-true",
        "an id is marked as seen, without its offset",
        EVERY_MOMENT,
        _mark_ids_with_true,
    ),
    Mutant(
        "ack-before-insert",
        "fetched batches are acknowledged before their rows are stored",
        EVERY_MOMENT,
        _acknowledge_before_insert,
    ),
    Mutant(
        "commit-before-changelog",
        "the commit does not wait for the changelog",
        EVERY_MOMENT,
        _commit_before_changelog,
    ),
    Mutant(
        "no-token",
        "inserts carry no token",
        PROMISE + "test_an_insert_whose_answer_was_lost_adds_nothing_twice",
        _token(lambda _: ""),
    ),
    Mutant(
        "token-without-range",
        "the token names the partition only",
        PROMISE + "test_a_quiet_run_keeps_the_promise",
        _token(lambda span: str(span.partition)),
    ),
    Mutant(
        "trust-the-token",
        "a repeated insert is believed without a look at the rows",
        PROMISE + "test_a_token_without_rows_is_not_taken_for_rows",
        _trust_the_token,
    ),
    Mutant(
        "skip-the-stores-check",
        "on assignment the store is not asked what it has",
        EVERY_MOMENT,
        _skip_the_stores_check,
    ),
    Mutant(
        "offsets-of-any-incarnation",
        "a ledger of another incarnation of the topic counts",
        "tests/streams/recovery/test_recovery_offset.py::test_a_ledger_of_another_incarnation_of_the_topic_says_nothing",
        _offsets_name_records_of_any_incarnation,
    ),
    Mutant(
        "trust-the-commit",
        "an offset committed in another incarnation of the topic counts",
        "tests/streams/recovery/test_recovery_offset.py::"
        "test_an_offset_committed_in_another_incarnation_of_the_topic_hides_nothing",
        _trust_the_commit,
    ),
    Mutant(
        "pass-over-blocks",
        "an own changelog block counts as contained whatever lies before it",
        "tests/streams/dedup/test_table_recovery.py::test_what_another_worker_wrote_meanwhile_is_read",
        _pass_over_blocks,
    ),
    Mutant(
        "answer-before-acks",
        "204 is answered before Kafka acknowledged",
        "tests/ingest_http/test_answers.py::"
        "test_items_that_kafka_did_not_take_are_510_with_their_ids",
        _answer_before_acks,
    ),
    Mutant(
        "raise-out-of-the-loop",
        "errors of the store leave the partition writer",
        PROMISE + "test_an_insert_whose_answer_was_lost_adds_nothing_twice",
        _raise_out_of_the_loop,
    ),
    Mutant(
        "pass-unprocessed-offsets",
        "the highest acknowledged offset is committed",
        "tests/streams/faust/test_commit_tracker.py::test_offsets_are_committed_in_order_only",
        _pass_unprocessed_offsets,
    ),
    Mutant(
        "cover-missing-batches",
        "a batch that did not arrive is covered by the next range",
        PROMISE + "test_a_batch_that_did_not_arrive_is_fetched_again",
        _cover_batches_that_did_not_arrive,
    ),
    Mutant(
        "drop-what-has-no-record",
        "a fetch of markers or aborted records alone is not handed on",
        FETCHED + "test_any_fetch_is_read_as_aiokafka_reads_it",
        _drop_what_has_no_record,
    ),
    Mutant(
        "begin-at-the-first-record",
        "a fetched batch does not cover the offsets before its first record",
        FETCHED + "test_any_fetch_is_read_as_aiokafka_reads_it",
        _begin_at_the_first_record,
    ),
    Mutant(
        "times-of-records-only",
        "a fetched batch does not know when its last marker was appended",
        FETCHED + "test_a_fetched_batch_has_the_append_time_of_its_last_offset",
        _times_of_records_only,
    ),
    Mutant(
        "go-back-once",
        "a batch from before a rewind may be the last one that arrives",
        POSITIONS + "test_what_is_lost_again_after_going_back_is_fetched_again",
        _go_back_once,
    ),
    Mutant(
        "pass-holes-handed-on",
        "offsets before a batch that was handed on count as handed on",
        POSITIONS + "test_what_was_given_to_nobody_is_known",
        _pass_holes_in_what_was_handed_on,
    ),
    Mutant(
        "never-look-for-the-lost",
        "what a cancelled fetch took is not fetched again",
        POSITIONS + "test_what_was_given_to_nobody_is_known",
        _never_look_for_what_nobody_got,
    ),
    Mutant(
        "believe-the-commit",
        "a committed offset counts although the ledger does not reach it",
        RECOVERY + "test_what_was_committed_and_is_not_in_the_store_is_stored_again",
        _believe_the_commit_past_the_ledger,
    ),
    Mutant(
        "believe-the-ledger",
        "rows that the ledger counts are not looked for",
        RECOVERY + "test_what_was_committed_and_is_not_in_the_store_is_stored_again",
        _believe_the_ledger_without_rows,
    ),
    Mutant(
        "pass-gaps-in-the-ledger",
        "ranges that are missing between others are skipped",
        RECOVERY + "test_what_was_committed_and_is_not_in_the_store_is_stored_again",
        _pass_gaps_in_the_ledger,
    ),
    Mutant(
        "again-in-the-same-generation",
        "rows stored again may be hidden by the range that they replace",
        RECOVERY + "test_what_is_stored_again_is_of_a_later_generation",
        _store_again_in_the_same_generation,
    ),
    Mutant(
        "look-only-before-a-batch",
        "missing rows stay missing until another record comes",
        "tests/streams/recovery/test_mending.py::test_what_is_missing_is_fetched_where_no_record_follows",
        _look_only_before_a_batch,
    ),
    Mutant(
        "batches-without-end",
        "a fetched batch holds all that was asked for, however much that is",
        BOMBS + "test_a_fetched_batch_ends_where_enough_is_held",
        _batches_without_end,
    ),
    Mutant(
        "hold-long-records",
        "a record is held as a whole however long it is",
        BOMBS + "test_of_a_very_long_record_the_beginning_is_kept",
        _hold_long_records,
    ),
    Mutant(
        "open-as-aiokafka-does",
        "consumers of other topics open record batches by aiokafka",
        HARMED + "test_a_header_whose_name_is_no_text_stops_nothing",
        _open_as_aiokafka_does,
    ),
    Mutant(
        "hold-long-messages",
        "a message of an old format is held as a whole however long it is",
        BOMBS + "test_a_very_long_old_message_is_not_held",
        _hold_long_messages,
    ),
    Mutant(
        "keep-every-window",
        "each partition keeps its wide window of zstd",
        WINDOWS + "test_a_second_one_waits_until_the_first_is_read",
        _keep_every_window,
    ),
    Mutant(
        "first-window-only",
        "a wide window behind a narrow one is not seen",
        WINDOWS + "test_a_second_one_waits_until_the_first_is_read",
        _see_the_first_window_only,
    ),
    Mutant(
        "open-on-the-loop",
        "a long record batch is opened between heartbeats",
        "tests/streams/fetch/test_opening_aside.py::test_others_are_read_while_it_is_opened",
        _open_on_the_loop,
    ),
    Mutant(
        "keep-what-was-fetched",
        "what was fetched and dropped stays until the collector comes by",
        WINDOWS + "test_one_that_is_let_go_is_waited_for_no_longer",
        _keep_what_was_fetched,
    ),
    Mutant(
        "gather-without-end",
        "recovery gathers changelog records however long they are",
        INDEX_RECOVERY + "test_recovery_gathers_no_more_than_can_be_held",
        _gather_without_end,
    ),
    Mutant(
        "blind-within-a-batch",
        "repeats inside one fetched batch are not seen",
        PROMISE + "test_a_quiet_run_keeps_the_promise",
        _remember_nothing_in_a_batch,
    ),
    Mutant(
        "ignore-refusals",
        "rows that the store refused are counted as stored, without a dead letter",
        REFUSED + "test_a_refused_row_is_a_dead_letter_and_its_id_is_free",
        _ignore_refusals,
    ),
    Mutant(
        "refused-id-in-the-index",
        "the id of a refused row is not removed from the index in memory",
        REFUSED + "test_a_refused_row_is_a_dead_letter_and_its_id_is_free",
        _keep_refused_ids_in_the_index,
    ),
    Mutant(
        "refused-id-in-the-changelog",
        "the id of a refused row is written to the changelog",
        REFUSED + "test_a_worker_may_die_at_every_moment_around_a_refusal",
        _keep_refused_ids_in_the_changelog,
    ),
    Mutant(
        "repeats-of-refused-rows",
        "a repeat of a row that the store refused stays a repeat",
        REFUSED + "test_what_comes_after_a_refused_record_may_be_the_first_of_its_id",
        _let_repeats_of_refused_rows_stay,
    ),
    Mutant(
        "judged-meanwhile",
        "records judged while a row was refused are not judged again",
        REFUSED + "test_what_comes_after_a_refused_record_may_be_the_first_of_its_id",
        _judge_only_the_range_again,
    ),
    Mutant(
        "later-occurrences",
        "a record that is read again is a repeat of a later one",
        REFUSED + "test_a_worker_may_die_at_every_moment_while_it_judges_again",
        _believe_later_occurrences,
    ),
    Mutant(
        "forget-once",
        "an id that is twice in the dedup index is removed once",
        REFUSED + "test_what_comes_after_a_refused_record_may_be_the_first_of_its_id",
        _forget_one_of_two_occurrences,
    ),
    Mutant(
        "moved-from-any-topic",
        "a moved record does not name the incarnation of its topic",
        "tests/streams/judge/test_moves.py::test_a_moved_record_says_where_it_lay",
        _leave_the_incarnation_out,
    ),
    Mutant(
        "times-of-foreign-blocks",
        "ids expire by any time that a block in a changelog claims",
        "tests/streams/dedup/test_table_recovery.py"
        "::test_no_block_makes_ids_expire_before_the_broker_has_come_so_far",
        _believe_every_time_of_a_block,
    ),
    Mutant(
        "wait-for-markers",
        "recovery waits for a record at each offset of a changelog",
        "tests/streams/faust/test_gap_detector.py::test_what_two_fetches_did_not_bring_is_not_there",
        _wait_for_what_is_not_there,
    ),
    Mutant(
        "conflicts-not-looked-for",
        "conflicts that a restored store lacks are not noted again",
        RECOVERY + "test_conflicts_that_are_missing_are_noted_again",
        _look_for_no_conflicts,
    ),
    Mutant(
        "alarm-at-each-look",
        "an alarm is raised each time that a partition is checked",
        "tests/streams/test_alarms.py::test_what_was_found_twice_is_reported_once",
        _raise_an_alarm_at_each_look,
    ),
    Mutant(
        "rewind-to-the-last-fault",
        "workers read again from the last missing offset, not from the first",
        "tests/railhead/audit/test_rewind.py"
        "::test_what_is_missing_is_read_again_from_its_first_offset",
        _rewind_to_the_last_fault,
    ),
    Mutant(
        "endless-window",
        "ids never age",
        "tests/streams/judge/test_outcomes.py::test_a_repeat_counts_to_the_end_of_the_window_and_not_beyond",
        _forget_the_window,
    ),
    Mutant(
        "two-rules-of-rounding",
        "the columnar check truncates digits where the exact one rounds",
        "tests/events/test_adjustments.py::"
        "test_an_amount_is_rounded_half_to_even_at_the_eighteenth_place",
        _round_otherwise_in_columns,
    ),
    Mutant(
        "unset-times-refused",
        "the columnar check leaves optional times out of range to the exact one",
        "tests/events/test_adjustments.py::test_an_optional_time_out_of_range_is_null",
        _refuse_times_that_are_not_set,
    ),
    Mutant(
        "objects-are-numbers",
        "an object of the content that looks like a number's canonical text is written as it is",
        "tests/events/test_canonical.py::test_an_object_is_never_taken_for_a_number",
        _take_objects_for_numbers,
    ),
    Mutant(
        "fill-under-the-same-version",
        "a row whose legs were filled takes no precedence over the one it replaces",
        LEGS + "test_what_an_older_worker_writes_later_is_filled_by_the_next_run",
        _fill_under_the_same_version,
    ),
    Mutant(
        "progress-before-the-rows",
        "filling legs goes on after a batch that was read and never written",
        LEGS + "test_a_run_that_died_is_continued",
        _note_progress_before_the_rows,
    ),
    Mutant(
        "fill-what-is-filled",
        "each run fills the legs of all bets",
        LEGS + "test_a_run_that_died_is_continued",
        _fill_what_is_filled,
    ),
    Mutant(
        "pass-over-bets-without-legs",
        "a bet without legs gets those of the next",
        LEGS + "test_legs_are_read_the_same_one_by_one_and_by_the_thousand",
        _pass_over_bets_without_legs,
    ),
    Mutant(
        "legs-content-as-hashed",
        "free content of a leg is stored in its hashed form",
        LEGS + "test_free_content_is_the_text_that_was_sent",
        _store_legs_content_as_it_is_hashed,
    ),
    Mutant(
        "round-half-up",
        "an amount half way between two places is rounded up",
        ADJUSTMENTS + "test_an_amount_is_rounded_half_to_even_at_the_eighteenth_place",
        _round_half_up,
    ),
    Mutant(
        "round-in-silence",
        "the columnar check does not note which amounts it rounds",
        ADJUSTMENTS + "test_an_amount_is_rounded_half_to_even_at_the_eighteenth_place",
        _round_in_silence,
    ),
    Mutant(
        "unset-times-are-1900",
        "an optional time out of range is stored as the nearest that a column holds",
        ADJUSTMENTS + "test_an_optional_time_out_of_range_is_null",
        _set_unset_times_to_the_nearest,
    ),
    Mutant(
        "required-times-unset",
        "a required time out of range is NULL as well",
        ADJUSTMENTS + "test_a_required_time_out_of_range_is_refused",
        _leave_required_times_unset,
    ),
    Mutant(
        "arithmetic-unchecked",
        "an analyst's arithmetic may wrap round",
        ARITHMETIC + "test_what_two_values_give_is_right_or_refused",
        _let_all_arithmetic_pass,
    ),
    Mutant(
        "casts-unchecked",
        "a cast of an analyst to more places may wrap round",
        ARITHMETIC + "test_what_two_values_give_is_right_or_refused",
        _let_pass("_check_cast"),
    ),
    Mutant(
        "sums-of-one-row",
        "a sum is taken to be no larger than one of its values",
        ARITHMETIC + "test_what_many_values_give_is_right_or_refused",
        _believe_sums_are_of_one_row,
    ),
    Mutant(
        "dates-overflow",
        "a day that its type cannot hold becomes another day",
        DATES + "test_a_date_function_says_the_right_day_or_refuses",
        _without_setting("date_time_overflow_behavior"),
    ),
    Mutant(
        "dates-of-narrow-types",
        "functions of times give narrow dates",
        DATES + "test_a_date_function_says_the_right_day_or_refuses",
        _without_setting("enable_extended_results_for_datetime_functions"),
    ),
    Mutant(
        "full-chunk-goes-on",
        "after a full chunk a decoder expects more, also at the end of its stream",
        "tests/ingest_http/test_decompress.py::"
        "test_a_stream_of_any_size_decompresses_to_the_content",
        _expect_more_after_a_full_chunk,
    ),
    Mutant(
        "faust-reads-environment",
        "variables without our prefix configure the worker",
        "tests/streams/faust/test_environment.py::test_no_variable_of_faust_changes_a_setting",
        _let_faust_read_the_environment,
    ),
    Mutant(
        "topics-made-weaker",
        "settings of existing topics become those of the defaults, also where less is kept",
        "tests/railhead/kafka/test_topic_plan.py::"
        "test_a_setting_is_never_made_weaker_unless_it_was_asked_for",
        _weaken_topics,
    ),
    Mutant(
        "hang-up-at-once",
        "a connection is closed right after an answer that came before the body's end",
        "tests/ingest_http/test_early_answers.py::"
        "test_a_client_that_sends_slowly_and_reads_at_the_end_reads_the_answer",
        _hang_up_at_once,
    ),
    Mutant(
        "offset-without-incarnation",
        "an id seen at an offset of a topic that was recreated counts as seen there",
        INCARNATIONS + "test_the_same_offset_of_a_recreated_topic_is_another_record",
        _offsets_without_their_incarnation,
    ),
    Mutant(
        "any-incarnation",
        "ranges of another incarnation of the topic count",
        "tests/streams/recovery/test_recovery_offset.py::test_ranges_of_another_incarnation_say_nothing",
        _ranges_of_any_incarnation,
    ),
    Mutant(
        "block-without-incarnation",
        "the changelog does not say of which incarnation its offsets are",
        INCARNATIONS + "test_what_is_remembered_keeps_its_incarnation",
        _blocks_without_an_incarnation,
    ),
    Mutant(
        "recreated-topic-is-the-same",
        "a recreated topic is read on at the old one's position",
        "tests/streams/faust/test_fetch_by_id.py::test_a_topic_that_has_another_id_now_was_recreated",
        _take_a_recreated_topic_for_the_same,
    ),
    Mutant(
        "believe-reports",
        "a rejection is what its report says, whatever the item is",
        "tests/streams/judge/test_odd_records.py::test_a_refusal_that_is_reported_again_is_the_same",
        _believe_what_a_report_says,
    ),
    Mutant(
        "lenient-dead-letters",
        "what almost fits a dead letter's field is made to fit",
        "tests/streams/judge/test_odd_records.py::test_a_dead_letter_with_any_json_in_any_field_is_a_row",
        _read_dead_letters_leniently,
    ),
    Mutant(
        "named-by-the-client",
        "a rejected item is named by the request id that a client sends",
        "tests/ingest_http/test_dead_letters.py"
        "::test_requests_that_share_an_id_have_reports_of_their_own",
        _name_rejects_by_request_id,
    ),
    Mutant(
        "let-all-enter",
        "bytes in flight have no bound",
        ADMISSION + "test_no_more_is_held_than_allowed",
        _let_all_enter,
    ),
    Mutant(
        "first-come-first-served",
        "one tenant may hold the whole limit",
        ADMISSION + "test_one_tenant_alone_gets_half_of_the_limit",
        _first_come_first_served,
    ),
    Mutant(
        "give-back-twice",
        "a request that leaves twice releases twice what it held",
        ADMISSION + "test_what_is_given_back_can_be_taken_again",
        _give_back_twice,
    ),
    Mutant(
        "free-when-answered",
        "what Kafka has not acknowledged is not counted once its client was answered",
        ADMISSION + "test_memory_is_held_until_kafka_answered_not_until_the_client_was",
        _free_when_answered,
    ),
    Mutant(
        "count-the-body-only",
        "dead letters are not counted against the bytes in flight",
        ADMISSION + "test_what_is_held_besides_the_body_is_counted",
        _count_the_body_only,
    ),
    Mutant(
        "forget-the-window",
        "what a decoder remembers is not counted against the bytes in flight",
        ADMISSION + "test_the_window_of_a_decoder_is_counted",
        _forget_the_decoders_window,
    ),
    Mutant(
        "full-chunk-ends-it",
        "what a decoder holds after a full chunk is not read",
        OPENED,
        _end_with_the_input,
    ),
    Mutant(
        "full-zstd-chunk-ends-it",
        "what zstd holds after a full chunk is not read",
        OPENED,
        _zstd_feed(lambda _, data: bool(data)),
    ),
    Mutant(
        "full-zstd-chunk-goes-on",
        "after the end of a zstd frame another is expected",
        OPENED,
        _zstd_feed(lambda inner, data: bool(data) or not inner.needs_input),
    ),
    Mutant(
        "bodies-without-bound",
        "the engine holds bodies of any size",
        SPOOL + "test_a_bomb_is_decompressed_no_further_than_its_bound",
        _hold_bodies_of_any_size,
    ),
    Mutant(
        "bodies-in-memory",
        "the engine holds bodies in memory however large they are",
        SPOOL + "test_a_large_body_is_on_the_disk",
        _hold_bodies_in_memory,
    ),
    Mutant(
        "opened-at-once",
        "the engine decompresses a body at once",
        SPOOL + "test_a_bomb_is_decompressed_no_further_than_its_bound",
        _open_at_once,
    ),
    Mutant(
        "frames-without-bound",
        "a frame may claim any size",
        CODEC + "test_a_frame_may_not_be_larger_than_it_says_or_than_the_limit",
        _believe_the_sizes_of_frames,
    ),
    Mutant(
        "window-without-bound",
        "a zstd stream may ask for any window",
        CODEC + "test_a_zstd_window_is_bounded",
        _open_frames_of_any_length,
    ),
    Mutant(
        "leave-before-the-thread",
        "an insert whose client has left goes on without its body",
        "tests/engine_http/test_leaving_clients.py::"
        "test_an_insert_whose_client_left_stores_its_own_rows",
        _leave_before_the_thread,
    ),
    Mutant(
        "wait-for-long-reads",
        "a short read waits until a long one has ended",
        "tests/engine_http/test_pools.py::"
        "test_a_read_that_finds_no_long_thread_gets_a_short_one_at_once",
        _wait_for_a_long_place,
    ),
    Mutant(
        "endless-trials",
        "a long read keeps a short one's place",
        TRIAL_ENDS,
        _never_end_a_trial,
    ),
    Mutant(
        "all-trials-end",
        "a long read ends the short ones beside it too",
        TRIAL_ENDS,
        _end_all_trials_with_one,
    ),
    Mutant(
        "empty-ids",
        "items whose id is empty are valid, and share one id",
        "tests/events/test_check_property.py::"
        "test_an_id_is_any_text_of_the_published_schema_but_the_empty_one",
        _take_an_empty_id_for_an_id,
    ),
    Mutant(
        "overlook-short-gaps",
        "the doctor sees no gap of fewer than a hundred offsets",
        "tests/railhead/audit/test_gaps.py::test_a_gap_in_the_ledger_is_seen",
        _overlook_short_gaps,
    ),
    Mutant(
        "sessions-expire-in-use",
        "a session whose time-out is short is forgotten while a request uses it",
        SESSIONS + "test_a_session_does_not_end_while_it_is_used",
        _expire_in_use,
    ),
    Mutant(
        "sessions-age-in-use",
        "a session's time-out starts with its last request and not after it",
        SESSIONS + "test_its_timeout_begins_after_its_last_use",
        _age_while_used,
    ),
)


BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
OF_THE_STREAM = [one for one in MUTANTS if one.caught_by.startswith("tests/streams/")]
OTHERS = [one for one in MUTANTS if one not in OF_THE_STREAM]
