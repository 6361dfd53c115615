"""Which ledger ranges of one partition count: the vectors of every place that has this rule.

Those are `sinks.ledger.counting`, the view `fasttrack.ledger`, and, where what counts joins without
a gap, the chain of the audit.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sinks.ledger import LedgerEntry

Span = tuple[int, int, int]
"""First offset, last offset, generation."""


class Overlap(NamedTuple):
    """Ranges of one partition, and those of them that count, ascending."""

    ranges: list[Span]
    counting: list[Span]


OVERLAPS: Final = {
    "no range": Overlap([], []),
    "one range": Overlap([(0, 9, 1)], [(0, 9, 1)]),
    "neighbours": Overlap([(10, 19, 1), (0, 9, 2)], [(0, 9, 2), (10, 19, 1)]),
    "apart": Overlap([(0, 9, 2), (20, 29, 1)], [(0, 9, 2), (20, 29, 1)]),
    "one offset in common": Overlap([(0, 10, 1), (10, 19, 2)], [(10, 19, 2)]),
    "the last offset in common": Overlap([(0, 10, 2), (10, 19, 1)], [(0, 10, 2)]),
    "the same offsets": Overlap([(0, 9, 2), (0, 9, 3), (0, 9, 1)], [(0, 9, 3)]),
    "within a newer one": Overlap([(0, 9, 2), (3, 5, 1)], [(0, 9, 2)]),
    "around a newer one": Overlap([(0, 9, 1), (3, 5, 2)], [(3, 5, 2)]),
    "late over two of a successor": Overlap(
        [(10, 29, 4), (10, 19, 5), (20, 39, 5)], [(10, 19, 5), (20, 39, 5)]
    ),
    "two late ones": Overlap(
        [(0, 9, 1), (10, 19, 1), (20, 29, 1), (10, 24, 2), (25, 39, 2)],
        [(0, 9, 1), (10, 24, 2), (25, 39, 2)],
    ),
    "a late one that alone reaches the end": Overlap([(10, 29, 4), (10, 19, 5)], [(10, 19, 5)]),
    "what gives way still hides": Overlap(
        [(0, 19, 1), (15, 29, 2), (25, 39, 3)], [(25, 39, 3)]
    ),
    "between two newer ones": Overlap(
        [(0, 9, 2), (10, 19, 1), (20, 29, 2)], [(0, 9, 2), (10, 19, 1), (20, 29, 2)]
    ),
    "under two generations, one of which ends before it": Overlap(
        [(0, 4, 3), (5, 9, 1), (8, 12, 2)], [(0, 4, 3), (8, 12, 2)]
    ),
    "several at once": Overlap(
        [
            (0, 99, 1), (100, 199, 1), (100, 149, 2), (150, 220, 2), (221, 230, 2), (225, 240, 1),
            (300, 310, 1),
        ],
        [(0, 99, 1), (100, 149, 2), (150, 220, 2), (221, 230, 2), (300, 310, 1)],
    ),
}  # fmt: skip


def entry(topic: str, span: Span) -> LedgerEntry:
    """A ledger entry of partition 0."""
    first, last, generation = span
    return LedgerEntry(topic, 0, first, last, 0, 0, 0, 0, generation, "", "", 0, 0)
