"""Fetches topics by their ids, so that a fetch brings records of one incarnation or none.

A fetch by name goes on in whatever topic has the name now. If a topic was recreated and has grown
past the position, what lies before it would be skipped silently. Since Kafka 3.1 a broker is asked
by id (Fetch v13, KIP-516) and refuses an id that the topic no longer has. aiokafka asks by name:
its requests are converted to the newer form, and the answers to the older one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v11
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from streams.faust.topic_ids import TopicId, topic_ids

logger = logging.getLogger(__name__)

UNKNOWN_TOPIC_ID: Final = 100
INCONSISTENT_TOPIC_ID: Final = 103
ASK_AGAIN_SECONDS: Final = 0.2

_FETCH: Final = 1
_BY_ID: Final = 13
_ANY: Final = -1


class _Fetched(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = _FETCH
    API_VERSION = _BY_ID
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("session_id", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("highwater_offset", Int64),
                        ("last_stable_offset", Int64),
                        ("log_start_offset", Int64),
                        (
                            "aborted_transactions",
                            CompactArray(
                                ("producer_id", Int64),
                                ("first_offset", Int64),
                                ("tags", TaggedFields),
                            ),
                        ),
                        ("preferred_read_replica", Int32),
                        ("message_set", CompactBytes),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Fetch(RequestStruct):  # type: ignore[misc]
    API_KEY = _FETCH
    API_VERSION = _BY_ID
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Fetched
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("max_wait_time", Int32),
        ("min_bytes", Int32),
        ("max_bytes", Int32),
        ("isolation_level", Int8),
        ("session_id", Int32),
        ("session_epoch", Int32),
        (
            "topics",
            CompactArray(
                ("topic_id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("fetch_offset", Int64),
                        ("last_fetched_epoch", Int32),
                        ("log_start_offset", Int64),
                        ("max_bytes", Int32),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        (
            "forgotten_topics_data",
            CompactArray(
                ("topic_id", TopicId),
                ("partitions", CompactArray(Int32)),
                ("tags", TaggedFields),
            ),
        ),
        ("rack_id", CompactString("utf-8")),
        ("tags", TaggedFields),
    )


class _FetchById(Request[_Fetch]):  # type: ignore[misc]
    """aiokafka's request *named*, for the topics whose *ids* are known."""

    API_KEY = _FETCH

    def __init__(self, named: FetchRequest, ids: dict[str, str]) -> None:
        self._named = named
        self._ids = ids

    def build(self, request_struct_class: type[_Fetch]) -> _Fetch:
        """As aiokafka builds its own, without a fetch session."""
        named = self._named
        topics: list[tuple[str, list[tuple[Any, ...]], dict[int, bytes]]] = [
            (self._ids[topic], [_partition(*one) for one in partitions], {})
            for topic, partitions in named.topics
            if topic in self._ids
        ]
        session_id, no_session = 0, -1
        return request_struct_class(
            _ANY,
            named._max_wait_ms,  # noqa: SLF001 - they have no other names
            named._min_bytes,  # noqa: SLF001
            named._max_bytes,  # noqa: SLF001
            named._isolation_level,  # noqa: SLF001
            session_id,
            no_session,
            topics,
            [],
            named._rack_id,  # noqa: SLF001
            {},
        )


def _partition(number: int, offset: int, max_bytes: int) -> tuple[Any, ...]:
    return number, _ANY, offset, _ANY, _ANY, max_bytes, {}


class Incarnations:
    """The ids by which one consumer fetches its topics.

    `ids` are learned once and stay: a consumer reads one incarnation of a topic. Topics whose id is
    not known are not fetched. `stale` are topics that the broker no longer has under their id, or
    not yet: a broker that has just started may be late.
    """

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.stale: set[str] = set()
        self._asked_at = float("-inf")

    async def refresh(self, client: Any, topics: Iterable[str]) -> set[str]:
        """Learn the unknown ids of *topics*; returns which topics were recreated.

        Sends no request where nothing is in doubt. A topic that is gone is asked for again later.
        """
        doubtful = (set(topics) - self.ids.keys()) | self.stale
        now = monotonic()
        if not doubtful or now - self._asked_at < ASK_AGAIN_SECONDS:
            return set()
        self._asked_at = now
        try:
            found = await topic_ids(client, sorted(doubtful))
        except (KafkaError, TimeoutError) as error:
            logger.warning("The ids of topics could not be read: %r", error)
            return set()
        changed = {topic for topic, id_ in found.items() if self.ids.setdefault(topic, id_) != id_}
        self.stale -= found.keys() - changed
        return changed

    def guard(self, client: Any) -> None:
        """Let aiokafka's *client* fetch by these ids from now on."""
        send_named = client.send

        async def send(node_id: Any, request: Any, **options: Any) -> Any:
            if not isinstance(request, FetchRequest):
                return await send_named(node_id, request, **options)
            known = {topic: id_ for topic, id_ in self.ids.items() if id_}
            try:
                fetched = await send_named(node_id, _FetchById(request, known), **options)
            except NotImplementedError:  # aiokafka's word for: the broker is older
                return await send_named(node_id, request, **options)
            return self._named(fetched)

        client.send = send

    def _named(self, fetched: _Fetched) -> FetchResponse_v11:
        names = {id_: topic for topic, id_ in self.ids.items()}
        return FetchResponse_v11(
            fetched.throttle_time_ms,
            fetched.error_code,
            fetched.session_id,
            [
                (names[id_], self._partitions(names[id_], partitions))
                for id_, partitions, _ in fetched.topics
            ],
        )

    def _partitions(
        self, topic: str, partitions: Iterable[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        found = []
        for number, error, end, stable, start, aborted, replica, records, _ in partitions:
            code = error
            if error in {UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID}:
                self.stale.add(topic)
                code = UnknownTopicOrPartitionError.errno
            taken_back = [(producer, first) for producer, first, _ in aborted or ()]
            found.append((number, code, end, stable, start, taken_back, replica, records or b""))
        return found
