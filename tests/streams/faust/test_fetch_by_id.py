"""A consumer fetches one incarnation of a topic: the one it began with."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest

from streams.faust import fetch_by_id
from streams.faust.fetch_by_id import (
    INCONSISTENT_TOPIC_ID,
    UNKNOWN_TOPIC_ID,
    Incarnations,
    _Fetch,
    _Fetched,
)
from streams.faust.topic_ids import _Answer, _Question, incarnation_text

ONE, TWO = (incarnation_text(bytes([number]) * 16) for number in (1, 2))
TOPIC = "topic"


class Broker:
    """aiokafka's client of a broker that knows topics by these ids; None: it is older than ids."""

    def __init__(self, ids: dict[str, str] | None) -> None:
        self.ids = ids
        self.fetches: list[Any] = []
        self.silent = False
        self.error = 0

    def get_random_node(self) -> int:
        """The only one."""
        return 0

    async def send(self, _node: int, request: Any) -> Any:
        """Encode and decode as on the wire."""
        if self.silent:
            raise KafkaConnectionError("no answer")
        if isinstance(request, FetchRequest):
            self.fetches.append(request)
            return "fetched by name"
        if self.ids is None:
            raise NotImplementedError
        struct = request.build(_Question if request.API_KEY == 3 else _Fetch)
        if request.API_KEY == 3:
            return _decoded(_Answer, self._topics(struct))
        self.fetches.append(_decoded(_Fetch, struct))
        return _decoded(_Fetched, self._fetched(struct))

    def _topics(self, asked: Any) -> _Answer:
        assert self.ids is not None
        topics: list[tuple[Any, ...]] = [
            (0 if name in self.ids else 3, name, self.ids.get(name, ""), False, [], 0, {})
            for _, name, _ in asked.topics
        ]
        return _Answer(0, [], "cluster", 0, topics, 0, {})

    def _fetched(self, fetch: Any) -> _Fetched:
        topics: list[tuple[Any, ...]] = [
            (
                id_,
                [(0, self.error, 9, 9, 0, [(7, 3, {})], -1, None if self.error else b"x", {})],
                {},
            )
            for id_, _, _ in fetch.topics
        ]
        return _Fetched(0, 0, 0, topics, {})


def _decoded(kind: type[Any], struct: Any) -> Any:
    return kind.decode(BytesIO(struct.encode()))


def fetch_of(*topics: str) -> FetchRequest:
    """What aiokafka asks."""
    return FetchRequest(40, 1, 100, 1, [(topic, [(0, 5, 1_000)]) for topic in topics])


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_by_id, "ASK_AGAIN_SECONDS", 0.0)


async def test_what_is_fetched_by_id_looks_like_what_is_fetched_by_name() -> None:
    """Aiokafka reads topic, aborted transactions and records where it expects them."""
    broker, incarnations = Broker({TOPIC: ONE}), Incarnations()
    incarnations.guard(broker)
    await incarnations.refresh(broker, [TOPIC])

    answer = await broker.send(0, fetch_of(TOPIC))

    ((id_, ((partition, _, offset, _, _, most, _),), _),) = broker.fetches[0].topics
    assert (id_, partition, offset, most) == (ONE, 0, 5, 1_000)
    assert (broker.fetches[0].isolation_level, broker.fetches[0].max_wait_time) == (1, 40)
    assert answer.API_VERSION == 11
    assert answer.topics == [(TOPIC, [(0, 0, 9, 9, 0, [(7, 3)], -1, b"x")])]


async def test_a_topic_whose_id_is_not_known_is_not_fetched() -> None:
    """By name it could be any incarnation of it."""
    broker, incarnations = Broker({TOPIC: ONE}), Incarnations()
    incarnations.guard(broker)
    await incarnations.refresh(broker, [TOPIC, "gone"])

    await broker.send(0, fetch_of(TOPIC, "gone"))

    assert [id_ for id_, _, _ in broker.fetches[0].topics] == [ONE]
    broker.ids = {TOPIC: ONE, "gone": TWO}
    assert await incarnations.refresh(broker, [TOPIC, "gone"]) == set()
    assert incarnations.ids == {TOPIC: ONE, "gone": TWO}


@pytest.mark.parametrize("error", [UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID])
async def test_a_topic_that_has_another_id_now_was_recreated(error: int) -> None:
    """It is looked at again when the broker refuses its id, and not before."""
    broker, incarnations = Broker({TOPIC: ONE}), Incarnations()
    incarnations.guard(broker)
    await incarnations.refresh(broker, [TOPIC])
    broker.ids, broker.error = {TOPIC: TWO}, error

    assert await incarnations.refresh(broker, [TOPIC]) == set()
    answer = await broker.send(0, fetch_of(TOPIC))

    assert answer.topics[0][1][0][1] == 3  # what aiokafka knows: the topic is not there
    assert await incarnations.refresh(broker, [TOPIC]) == {TOPIC}


async def test_a_broker_that_does_not_know_an_id_yet_is_asked_again() -> None:
    """It may have just started; and a topic that is gone may come back."""
    broker, incarnations = Broker({TOPIC: ONE}), Incarnations()
    incarnations.guard(broker)
    await incarnations.refresh(broker, [TOPIC])
    broker.error = UNKNOWN_TOPIC_ID
    await broker.send(0, fetch_of(TOPIC))

    assert await incarnations.refresh(broker, [TOPIC]) == set()
    broker.ids = {}
    await broker.send(0, fetch_of(TOPIC))
    assert await incarnations.refresh(broker, [TOPIC]) == set()
    broker.silent = True
    assert await incarnations.refresh(broker, [TOPIC]) == set()
    broker.silent, broker.ids = False, {TOPIC: TWO}
    assert await incarnations.refresh(broker, [TOPIC]) == {TOPIC}


async def test_an_older_broker_is_asked_by_name() -> None:
    """Its topics have no ids."""
    broker, incarnations = Broker(None), Incarnations()
    incarnations.guard(broker)

    assert await incarnations.refresh(broker, [TOPIC]) == set()
    answer = await broker.send(0, fetch_of(TOPIC))

    assert answer == "fetched by name"
    assert incarnations.ids == {TOPIC: ""}
