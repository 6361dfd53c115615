"""With RAILHEAD_REJECT_UNKNOWN_TENANTS only records of tenants in the tenants file are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from events.contract.id_rules import DEFAULT_RULES
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch
from streams.judge.judge import Judged, judge
from streams.judge.outcomes import OutcomeCounts
from streams.settings import WorkerSettings
from tests.streams.judge.test_judge import (
    APPENDED_MS,
    CASINO,
    WINDOW_MS,
    fetched,
    headers,
    item,
    rejected,
    stored_offsets,
)

THREE = fetched([item("a")] * 3, [headers("alpha"), headers("aplha"), headers(None)])


def judged(
    given: FetchedBatch, known: Collection[str] | None, stored: Mapping[int, int] | None = None
) -> Judged:
    """The judgement where *known* tenants are in the file."""
    return judge(
        given,
        CASINO,
        dedup_index=DedupIndex(WINDOW_MS),
        stored=stored or {},
        rules=DEFAULT_RULES,
        known_tenants=known,
    )


def test_a_typing_error_in_the_tenants_name_makes_no_new_tenant() -> None:
    """It is kept as rejected, under the name that was sent; a record without a name as before."""
    result = judged(THREE, {"alpha"})

    assert result.counts == OutcomeCounts(stored=1, rejected=2)
    assert stored_offsets(result) == [0]
    assert rejected(result) == [(1, "unknown_tenant"), (2, "no_tenant")]
    assert result.rejects[0].key == b"aplha"


def test_by_default_each_name_is_a_tenant() -> None:
    """Direct producers need no tenants file."""
    assert not WorkerSettings.model_fields["reject_unknown_tenants"].default
    result = judged(THREE, None)

    assert stored_offsets(result) == [0, 1]


def test_a_row_that_is_stored_stays() -> None:
    """Its tenant was taken out of the file between the insert and the commit."""
    result = judged(THREE, {"alpha"}, {1: APPENDED_MS})

    assert result.counts == OutcomeCounts(stored=2, rejected=1)
    assert rejected(result) == [(2, "no_tenant")]


@pytest.mark.parametrize("known", [{"beta"}, set[str]()])
def test_a_batch_of_strangers_is_all_rejected(known: set[str]) -> None:
    """Nothing is remembered of them."""
    result = judged(fetched([item("a")] * 2), known)

    assert result.counts == OutcomeCounts(rejected=2)
    assert (result.rows, result.new_ids) == (None, None)


def test_an_invalid_record_of_an_unknown_tenant_has_one_outcome() -> None:
    """The tenant is looked at first."""
    result = judged(fetched([b"{"], [headers("x")]), {"alpha"})

    assert rejected(result) == [(0, "unknown_tenant")]
