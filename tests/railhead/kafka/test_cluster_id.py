"""The cluster id that a new data directory gets."""

from __future__ import annotations

import base64

from railhead.kafka.broker import new_cluster_id


def test_a_cluster_id_never_looks_like_an_option() -> None:
    """Kafka's storage tool takes a word that begins with a dash for an option."""
    ids = [new_cluster_id() for _ in range(2000)]

    assert not [one for one in ids if one.startswith("-")]
    assert {len(base64.urlsafe_b64decode(one + "==")) for one in ids} == {16}
    assert len(set(ids)) == len(ids)
