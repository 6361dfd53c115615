"""Distributes tests over processes: which belong together, and which begin first.

Tests that share a stack run in one process, one after the other, so that it is started once and
ends with them: an idle stack takes a tenth of a core. Tests of stacks wait much, others compute, so
the two kinds alternate; small groups come last and fill what is left of the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Final

import pytest

# Fixtures of a whole package that start processes.
SHARED: Final = frozenset({"broker", "clickhouse_url", "engine", "parts", "system"})
# Each of their tests starts a process of its own.
MUTANTS: Final = "tests/system/mutants/"


def group_of(path: str, fixtures: Iterable[str]) -> str:
    """The tests that a test of the file *path* must run with: those of its file or its folder."""
    return path if SHARED.isdisjoint(fixtures) else path.rpartition("/")[0]


def in_order(groups: Sequence[str], slow: Iterable[str]) -> list[str]:
    """The names of groups in the order in which they begin; *groups* has one for each test."""
    sizes = Counter(groups)
    largest = [name for name, _ in sizes.most_common()]
    first = [name for name in largest if name in set(slow)]
    others = [name for name in largest if name not in set(slow)]
    pairs = zip_longest(first, others[: len(first)])
    return [name for name in chain(*pairs, others[len(first) :]) if name is not None]


def distribute(items: list[pytest.Item]) -> None:
    """Mark *items* with their groups and sort them by those."""
    groups = [group_of(item.location[0], getattr(item, "fixturenames", ())) for item in items]
    slow = [
        group
        for group, item in zip(groups, items, strict=True)
        if group.startswith(MUTANTS) or item.get_closest_marker("e2e")
    ]
    place = {name: number for number, name in enumerate(in_order(groups, slow))}
    for group, item in zip(groups, items, strict=True):
        item.add_marker(pytest.mark.xdist_group(group))
    order = sorted(range(len(items)), key=lambda at: place[groups[at]])
    items[:] = [items[at] for at in order]
