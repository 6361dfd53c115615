"""Any fetch that producers and a broker can make, for hypothesis."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.streams.fetch.kafka_batches import ABORT, APPEND_TIME, COMMIT, Made, Record, marker

MANY = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SHARED: list[list[tuple[str, bytes | None]]] = [
    [],
    [("tenant", b"acme"), ("request_id", b"1")],
    [("tenant", b"acme"), ("request_id", b"2"), ("x", None), ("é" * 80, b"y" * 200)],
]
BYTES = st.binary(max_size=20) | st.sampled_from([b"", b"v" * 63, b"v" * 130, b"v" * 9_000])
HEADERS = st.sampled_from(SHARED) | st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=5), st.none() | BYTES), max_size=3
)
TIMES = st.integers(0, 2**41) | st.just(-1)


@st.composite
def batches(draw: st.DrawFn, base: int) -> Made:
    """A batch as any producer may send it and a broker may keep it."""
    delta, records = -1, []
    for _ in range(draw(st.sampled_from([0, 1, 2, 5, 40]))):
        delta += draw(st.sampled_from([1, 1, 1, 2, 300]))
        records.append(
            Record(
                delta,
                draw(st.none() | BYTES),
                draw(st.none() | BYTES),
                draw(HEADERS),
                draw(TIMES),
            )
        )
    return Made(
        base,
        records,
        delta + draw(st.sampled_from([0, 0, 0, 7])) if records else 0,
        # A batch that compaction has emptied is not compressed.
        codec=draw(st.sampled_from([0, 0, 1, 2, 3, 4])) if records else 0,
        producer=(producer := draw(st.sampled_from([-1, 7, 8]))),
        transactional=producer >= 0 and draw(st.booleans()),
        flags=draw(st.sampled_from([0, APPEND_TIME])),
        max_ms=draw(st.none() | TIMES),
    )


@st.composite
def fetches(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[int, int]]]:
    """The bytes of a fetch, where it began, and the aborted transactions."""
    made: list[Made] = []
    at = draw(st.sampled_from([0, 3, 2**40]))
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            kind = draw(st.sampled_from([ABORT, COMMIT]))
            made.append(marker(at, draw(st.sampled_from([7, 8])), kind=kind))
        else:
            made.append(draw(batches(at)))
        at = made[-1].next_offset + draw(st.sampled_from([0, 0, 5]))
    data = b"".join(one.to_bytes() for one in made)
    first = made[0].base if made else 0
    aborted = draw(st.lists(st.tuples(st.sampled_from([7, 8]), st.integers(first, at)), max_size=2))
    # The broker cuts a fetch where it is full, within a batch.
    cut = data[: draw(st.sampled_from([len(data), max(len(data) - 9, 0)]))]
    return cut, first + draw(st.sampled_from([0, 0, 1, 4, 50])), aborted
