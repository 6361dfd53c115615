"""A Faust transport whose consumer delivers fetched batches and commits in order.

Faust is kept for what it is good at (group membership, agents, tables, changelogs, recovery).
Its consumer is replaced where it works per message:

- Event topics are fetched in batches (`streams/fetch/fetcher_seam.py`), and `getmany` yields one
  message a batch; changelog topics stay per record, as recovery reads them that way (and a
  changelog record holds the ids of a whole batch).
- Event topics are fetched only while streams take what is fetched. Faust begins to fetch a moment
  before it clears the streams' queues at the end of a recovery, and what was queued in between is
  lost until the next restart (pitfalls.md#b3).
- A partition that its writer has paused (a reject spike) is not fetched; its neighbours are.
- What was fetched and given to nobody is fetched again (streams/faust/positions.py).
- Offsets are committed by another rule (streams/faust/commit_tracker.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError
from faust.topics import Topic
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.transport.drivers.aiokafka import Transport as KafkaTransport
from faust.types import TP, ConsumerMessage, EventT

import failpoints
from streams.faust.append_times import fetch_header, first_after
from streams.faust.commit_tracker import CommitTracker
from streams.faust.consumer_thread import BatchConsumerThread
from streams.faust.gap_detector import GapDetector
from streams.faust.incarnation_guard import IncarnationGuard
from streams.faust.positions import FetchPositions
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.fetch.fetcher_seam import waits_for_turn

# A fetch waits for the partitions it was begun for. One that may take more by then is not among
# them: Faust's one second for a fetch made a busy worker stand still for most of it.
WAIT_BESIDE_FULL_SECONDS = 0.03

# A recovery whose fetch brings nothing for so long checks whether its records got lost.
LOOK_FOR_LOST_SECONDS = 0.25


class BatchConsumer(KafkaConsumer):  # type: ignore[misc]
    """Faust's Kafka consumer, delivering fetched batches and committing in order."""

    _thread: BatchConsumerThread
    # The group's generation in which the newest fetch began.
    _fetch_generation = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commits = CommitTracker(self._acked_index)
        self._positions = FetchPositions()
        self._gap_detector = GapDetector()
        self._incarnation_guard = IncarnationGuard()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield a message per fetched batch, and per record for changelog topics.

        Records fetched in an older group generation, or while the flow is stopped, are dropped:
        Faust seeks back to the committed offsets before it resumes, so they come again.
        """
        records, active = await self._wait_next_records(timeout)
        generation = self._fetch_generation
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        for tp, batch in records.items():
            if not batch or not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            if self._is_changelog_tp(tp) and not await self._goes_on(tp, batch[0].offset):
                continue
            if not self.flow_active or self.app.consumer_generation_id != generation:
                await self._put_back(records)
                return
            highwater = self.highwater(tp)
            self.app.monitor.track_tp_end_offset(tp, highwater)
            if self._is_changelog_tp(tp):
                for record in batch:
                    self._gap_detector.give(tp, record.offset)
                    yield tp, self._to_message(tp, record)
            else:
                self._incarnation_guard.check(batch, highwater)
                self._hand_on(tp, batch)
                yield tp, self._batch_message(tp, batch)

    def _hand_on(self, tp: TP, fetched: FetchedBatch) -> None:
        """Note that *fetched* is on its way to its partition writer."""
        self._let_pass(tp, fetched.follows)
        self._positions.hand_on(tp, fetched.follows, fetched.end)
        self.commits.deliver(tp, fetched.follows, fetched.end)

    async def _put_back(self, records: Mapping[TP, Any]) -> None:
        """Fetch dropped records again: where no new ones follow them, nothing else would."""
        mine = self.assignment()
        firsts = {
            tp: batch.follows
            for tp, batch in records.items()
            if batch and tp in mine and not self._is_changelog_tp(tp)
        }
        try:
            if firsts:
                await self.seek_wait(firsts)
        except (KafkaError, TimeoutError) as error:
            self.log.warning("Could not go back to dropped records: %r", error)

    async def _goes_on(self, tp: TP, first: int) -> bool:
        """Whether recovery was given all of a changelog before *first*; seeks back if not."""
        applied = self.app.tables.recovery.active_offsets.get(tp)
        missing = self._gap_detector.missing_from(tp, first, applied=applied)
        if missing is not None:
            await self._read_again(tp, missing)
        return missing is None

    def _let_pass(self, tp: TP, first: int) -> None:
        """Have Faust hand on, and commit, what lies before the offsets it has noted.

        It silently drops messages before the offset read last, and commits none before the one
        committed last. Both may be of another incarnation of the topic; the partition writer knows
        what is in the store.
        """
        self._read_offset[tp] = None
        committed = self._committed_offset[tp]
        if committed is not None and first < committed:
            self._committed_offset[tp] = first

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> Any:
        """Fetch what can be taken; for an empty set of partitions aiokafka would fetch all."""
        if active_partitions:
            active_partitions = set(filter(self._may_be_fetched, active_partitions))
            if not active_partitions:
                await self.sleep(0.02)
                return {}
        if self._buffered_partitions:
            timeout = min(timeout, WAIT_BESIDE_FULL_SECONDS)
        recovering = not self.app.tables.actives_ready
        if recovering:
            timeout = min(timeout, LOOK_FOR_LOST_SECONDS)
        # Not noted earlier: a fetch may have waited for a whole rebalance before it began.
        self._fetch_generation = self.app.consumer_generation_id
        found = await super()._getmany(active_partitions, timeout)
        if not found:
            go_back = self._go_back_to_lost if recovering else self._go_back_to_not_handed_on
            await go_back(active_partitions or ())
        return found

    def _may_be_fetched(self, tp: TP) -> bool:
        """Only changelogs until the streams are ready; then what no partition writer has paused."""
        if not self.app.tables.actives_ready:
            return bool(self._is_changelog_tp(tp))
        return not self.app.pause_partitions(Partition(*tp))

    async def _go_back_to_lost(self, changelogs: Iterable[TP]) -> None:
        """Seek back in changelogs whose records were fetched and given to nobody.

        A fetch that a rebalance cancelled goes on in the consumer's thread, and may take the first
        records of the new assignment. Recovery would wait for them forever, as it would for offsets
        without a record (a transaction's marker, aborted records, a hole), which are skipped once
        they were fetched again.
        """
        for tp in list(changelogs):
            applied = self.app.tables.recovery.active_offsets.get(tp)
            state = self._fetch_state(tp)
            if applied is None or state is None:
                continue
            following = self._gap_detector.following(tp, applied)
            if state.position <= following:
                continue
            if self._gap_detector.holds_nothing(tp, following):
                self.app.tables.recovery.active_offsets[tp] = state.position - 1
            else:
                await self._read_again(tp, following)

    async def _go_back_to_not_handed_on(self, events: Iterable[TP]) -> None:
        """The same in event topics, whose batches state where they end."""
        for tp in list(events):
            state = self._fetch_state(tp)
            if state is None or self._positions.lost_from(tp, state.position, log_start=0) is None:
                continue
            try:
                start = await self.log_start(Partition(*tp))
                lost_from = self._positions.lost_from(tp, state.position, log_start=start)
                if lost_from is not None:
                    await self._read_again(tp, lost_from)
            except (KafkaError, TimeoutError) as error:
                self.log.warning("Could not go back to lost records: %r", error)

    async def _read_again(self, tp: TP, first: int) -> None:
        self.log.warning("%s[%d]: what was read from %d on was lost; read again.", *tp, first)
        await self.seek(tp, first)

    async def rewind(self, partition: Partition, offset: int) -> None:
        """Fetch *partition* again from *offset* on: what was delivered past it did not arrive."""
        tp = TP(*partition)
        self.commits.rewind(tp, offset)
        self._positions.go_to({tp: offset})
        await self.seek(tp, offset)

    async def seek(self, partition: TP, offset: int) -> None:
        """Seek in the consumer's thread: from here a fetch that is just ending could undo it."""
        await self.seek_wait({partition: offset})

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # noqa: BLE001 - a rebalance is on; recovery seeks again
            self.log.warning("Could not seek back while the flow is stopped: %r", error)

    def _batch_message(self, tp: TP, fetched: FetchedBatch) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            fetched.end - 1,
            fetched.span_ms[1] / 1000,
            1,
            None,
            None,
            fetched,  # the value: BatchTopic passes it on unchanged
            None,
            0,
            0,
            tp,
            # Streams silently skip messages of another generation.
            generation_id=self.app.consumer_generation_id,
        )

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget what was delivered: consumption starts again at the committed offsets."""
        # A new one: an earlier commit may still be about to note its failure in the old one.
        self.commits = CommitTracker(self._acked_index)
        self._incarnation_guard.clear()
        self._positions.clear()
        self._gap_detector.clear()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets; what was delivered past them is delivered again.

        Where nothing is committed yet Faust leaves the position, which a fetch that a rebalance
        discarded has moved on: what it fetched would be lost. There the log's start is sought.
        """
        self._acked.clear()
        self.commits.rewind_all()
        self._positions.clear()
        await super().perform_seek()
        begun = {tp: offset for tp, offset in self._committed_offset.items() if offset}
        self._positions.go_to(begun)
        new = [tp for tp in self.assignment() - begun.keys() if not self._is_changelog_tp(tp)]
        if new:
            starts = await self.earliest_offsets(*new)
            await self.seek_wait(starts)
            self._positions.go_to(starts)

    async def start_offset_of(self, partition: Partition) -> int:
        """Where work on *partition* starts: the committed offset, else the first there is."""
        tp = TP(*partition)
        committed: int | None = self._committed_offset[tp]
        return await self.log_start(partition) if committed is None else committed

    def incarnation_of(self, topic: str) -> str | None:
        """The id by which *topic* is fetched, None while it is not known."""
        return self._thread.incarnations.ids.get(topic)

    async def log_start(self, partition: Partition) -> int:
        """The first offset that the broker still has."""
        tp = TP(*partition)
        return int((await self.earliest_offsets(tp))[tp])

    async def first_after(self, partition: Partition, appended_ms: int, before: int) -> int | None:
        """The first offset before *before* that was appended after that time; None without any."""
        header_at = partial(self._header_at, TP(*partition))
        first = await self.log_start(partition)
        return await first_after(header_at, appended_ms, first=first, before=before)

    async def _header_at(self, tp: TP, offset: int) -> Any:
        client = self._thread._ensure_consumer()._client  # noqa: SLF001 - Faust fetches no headers
        return await self._thread.call_thread(fetch_header, client, tp, offset)

    def waits_past(self, partition: Partition, offset: int) -> bool:
        """Whether offsets at or past *offset* wait at the broker or on their way from there.

        Each of them will be taken, be it a record or a transaction's marker; while they wait for
        another partition's wide window (`streams/fetch/window_turns.py`) they do not count.
        """
        state = self._fetch_state(TP(*partition))
        if state is None or waits_for_turn(TP(*partition)):
            return False
        # Past the last stable offset lie records of transactions that have not ended.
        reported = state.lso is not None and state.lso >= 0  # -1: the broker does not know it
        end = state.lso if reported else state.highwater
        return offset < (end or 0)

    def _fetch_state(self, tp: TP) -> Any:
        """The state aiokafka has of a partition; None unless it is fetched."""
        assignment = self._thread._consumer._subscription.subscription  # noqa: SLF001
        try:
            state = assignment.assignment.state_value(tp)
        except (AttributeError, KeyError):
            return None  # not assigned now
        return state if state is not None and state.has_valid_position else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no bookkeeping: a fetched batch stands for its whole range of offsets."""

    def _new_offset(self, tp: TP) -> int | None:
        self._acked.pop(tp, None)  # Faust's second list of what is acknowledged
        return self.commits.next_commit(tp)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; offsets that the broker did not take are tried again with the next commit."""
        failpoints.passing("worker.before_commit")
        commits = self.commits
        done = bool(await super()._commit(offsets))
        if done:
            failpoints.passing("worker.after_commit")
        commits.note(offsets, committed=done)
        return done

    def _filter_tps_with_pending_acks(self, _topics: Any = None) -> Iterator[TP]:
        return iter(self.commits.pending)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return tp in self.commits.failed or bool(super()._should_commit(tp, offset))


class BatchTransport(KafkaTransport):  # type: ignore[misc]
    """Faust's Kafka transport with the batch consumer."""

    Consumer = BatchConsumer


class BatchTopic(Topic):  # type: ignore[misc]
    """A topic whose messages carry a fetched batch; decoding is left to the agent."""

    def _compile_decode(self) -> None:
        """Keep `decode` as defined here: Faust would compile one for keys and values."""

    async def decode(self, message: ConsumerMessage, **_: Any) -> EventT:
        """Wrap the fetched batch in an event, unchanged; the agent checks what is inside."""
        return self._create_event(None, message.value, headers=None, message=message)
