"""Chooses the next case by weight; the seed and the number give the same case again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.system.fuzz import bodies, envelopes, heavy, rawbytes
from tests.system.fuzz.case import Case, Secrets, random_of

Maker = Callable[[Random, str, Secrets], Case]

ENVELOPES: Final[tuple[Maker, ...]] = (
    envelopes.content_type, envelopes.encoding, envelopes.encoding, envelopes.encoding,
    envelopes.key, envelopes.query, envelopes.method, envelopes.path, envelopes.header,
)  # fmt: skip
WEIGHTS: Final[tuple[tuple[float, tuple[Maker, ...]], ...]] = (
    (0.40, (bodies.mixed,)),
    (0.10, (bodies.torn, bodies.torn, bodies.torn, bodies.no_batch)),
    (0.28, ENVELOPES),
    (0.22, rawbytes.RAW),
)
HEAVY_EVERY: Final = 1_500


def case_of(seed: int, number: int, secrets: Secrets) -> Case:
    """The case *number* of a run; every so many of them is a heavy one."""
    if number % HEAVY_EVERY == 0:
        kinds = list(heavy.KINDS)
        return heavy.heavy(kinds[number // HEAVY_EVERY % len(kinds)], secrets)
    rng = random_of(seed, number)
    weights = [weight for weight, _ in WEIGHTS]
    (makers,) = rng.choices([makers for _, makers in WEIGHTS], weights)
    return rng.choice(makers)(rng, f"fuzz-{seed}-{number}", secrets)
