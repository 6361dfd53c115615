"""Asks a broker for the ids of topics, which name their incarnations.

Kafka gives a topic an id when it is created (KIP-516), so a topic that was deleted and created
again has another one although all its offsets come again. aiokafka's requests are older; the one
here is Metadata v10, which brokers answer since Kafka 2.8.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_METADATA: Final = 3
_WITH_IDS: Final = 10


def incarnation_text(topic_id: bytes) -> str:
    """A topic id as Kafka's own tools print it; empty for none (all zeros)."""
    if not any(topic_id):
        return ""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode("ascii")


def incarnation_bytes(text: str) -> bytes:
    """The 16 bytes of a topic id; zeros for none."""
    return base64.urlsafe_b64decode(text + "==") if text else bytes(16)


class TopicId(AbstractType[str]):  # type: ignore[misc]  # aiokafka has no types
    """A topic id on the wire."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        """16 bytes."""
        return incarnation_bytes(value)

    @classmethod
    def decode(cls, data: Any) -> str:
        """As text."""
        return incarnation_text(data.read(16))


class _Answer(Response):  # type: ignore[misc]
    API_KEY = _METADATA
    API_VERSION = _WITH_IDS
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", TopicId),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = _METADATA
    API_VERSION = _WITH_IDS
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", TopicId), ("topic", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicIdsRequest(Request[_Question]):  # type: ignore[misc]
    API_KEY = _METADATA

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_Question]) -> _Question:
        """Ask for these topics, and create none of them."""
        topics: list[tuple[str, str, dict[int, bytes]]] = [("", one, {}) for one in self._topics]
        create = with_operations = False
        return request_struct_class(topics, create, with_operations, with_operations, {})


async def topic_ids(client: Any, topics: Iterable[str]) -> dict[str, str]:
    """The ids of those of *topics* that exist, requested through aiokafka's *client*.

    Empty texts from a broker that has no ids.

    Raises:
        KafkaError, TimeoutError: the broker did not answer.
    """
    names = list(topics)
    node = client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    try:
        answer = await client.send(node, _TopicIdsRequest(names))
    except NotImplementedError:  # aiokafka's word for: the broker speaks older versions only
        return dict.fromkeys(names, "")
    return {topic: topic_id for error, topic, topic_id, *_ in answer.topics if not error}
