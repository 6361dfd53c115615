"""Cases that Hypothesis makes: items of any JSON, any bytes; it shrinks a failure itself."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from events.contract.registry import EVENT_TYPES
from tests.system.fuzz.bodies import TORN
from tests.system.fuzz.case import JSON, Case, Valid, random_of, request
from tests.system.fuzz.items import example, valid_item
from tests.system.fuzz.run import Session

SCALARS: Final = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
BODIES: Final = st.one_of(
    st.binary(max_size=300),
    st.text('[]{}",:\\ntruefals0123456789.eE+-\x00é', max_size=200).map(str.encode),
)


@st.composite
def _odd(draw: st.DrawFn) -> bytes:
    row = draw(st.sampled_from(EVENT_TYPES))
    data: dict[str, Any] = dict(example(row.name))
    name = draw(st.sampled_from([*data, "event", "extra"]))
    value = draw(ANYTHING)
    item: dict[str, Any] = {"event": row.name, "data": data}
    (item if name == "event" else data)[name] = value
    text = json.dumps(draw(st.sampled_from([item, item, item, value])), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def try_hypotheses(session: Session, examples: int) -> None:
    """Send *examples* batches that Hypothesis makes, over one connection and fresh ones."""
    count = itertools.count()
    client = session.client()

    @seed(session.seed)
    @settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        st.lists(st.none() | _odd(), min_size=1, max_size=6) | BODIES, st.booleans(), st.booleans()
    )
    def tried(plan: list[bytes | None] | bytes, fresh: bool, report: bool) -> None:  # noqa: FBT001
        if session.over():
            return
        case = _case(session, next(count), plan, fresh=fresh, report=report)
        assert not client.send(case, f"hypothesis, seed {session.seed}: {plan!r:.300}")

    try:
        tried()
    except AssertionError:
        # It is in the tally, with the smallest example last.
        return
    finally:
        client.close()


def _case(
    session: Session, number: int, plan: list[bytes | None] | bytes, *, fresh: bool, report: bool
) -> Case:
    query = b"?report=1" if report else b""
    if isinstance(plan, bytes):
        sent = request(session.secrets, plan, JSON, query=query)
        return Case(what="hypothesis: bodies", sends=(sent,), expected=TORN, fresh=fresh)
    items, valid = _items(session, number, plan)
    sent = request(session.secrets, b"[" + b",".join(items) + b"]", JSON, query=query)
    return Case(
        what="hypothesis: items",
        sends=(sent,),
        expected=frozenset({200 if report else 204}),
        fresh=fresh,
        valid=valid,
        size=len(items),
    )


def _items(
    session: Session, number: int, plan: list[bytes | None]
) -> tuple[list[bytes], dict[int, Valid]]:
    rng, items, valid = random_of(session.seed, -number), list[bytes](), dict[int, Valid]()
    for position, odd in enumerate(plan):
        if odd is None:
            text, valid[position] = valid_item(rng, f"hyp-{session.seed}-{number}-{position}")
            items.append(text)
        else:
            items.append(odd)
    return items, valid
