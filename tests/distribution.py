"""Distributes tests over processes: which belong together, and which begin first.

Tests that share a stack run in one process, one after the other, so that it is started once and
ends with them: an idle stack takes a tenth of a core. Tests of stacks wait much, others compute, so
the two kinds alternate; small groups come last and fill what is left of the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any, Final

import pytest

# Folders with a fixture of the whole package that starts processes.
SHARED: Final = (
    "tests/engine_http/",
    "tests/railhead/audit/",
    "tests/railhead/dead_letters/",
    "tests/sinks/",
)
# Each of their tests starts a process of its own.
MUTANTS: Final = "tests/system/mutants/"


def group_of(node_id: str) -> str:
    """What a test must run with: the tests of its folder, or of its file."""
    path = node_id.partition("::")[0]
    return next((folder for folder in SHARED if path.startswith(folder)), path)


def in_order(groups: Sequence[str], slow: Iterable[str]) -> list[str]:
    """The names of groups in the order in which they begin; *groups* has one for each test."""
    slow = set(slow)
    largest = [name for name, _ in Counter(groups).most_common()]
    first = [name for name in largest if name in slow]
    others = [name for name in largest if name not in slow]
    pairs = zip_longest(first, others[: len(first)])
    return [name for name in chain(*pairs, others[len(first) :]) if name is not None]


def sort(items: list[pytest.Item]) -> None:
    """Sort *items* by their groups."""
    slow = [
        group_of(item.nodeid)
        for item in items
        if item.nodeid.startswith(MUTANTS) or item.get_closest_marker("e2e")
    ]
    names = in_order([group_of(item.nodeid) for item in items], slow)
    place = {name: number for number, name in enumerate(names)}
    items.sort(key=lambda item: place[group_of(item.nodeid)])


def scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler of pytest-xdist that keeps groups together.

    Its own `loadgroup` does not: pytest 9 has other node ids than it writes groups into.
    """
    # Not every process that collects tests has the plugin.
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)
