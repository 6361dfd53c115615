"""Fingerprints: 64-bit hashes of what items mean in the contract's terms.

Made from the typed columns, so a fingerprint does not depend on how the item was written. It is a
sum of one part per field, seeded by its name, and one part for all strings end to end (their
lengths are parts of their own). A null or a default adds nothing, so that an optional field added
to the contract later leaves the fingerprints of older items as they were. They are kept in the
dedup index: any other change to this file makes repeats of older items look like conflicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from events.check.columnar.decoded_rows import Rows
from events.check.columnar.row_classes import FREE_KINDS, Shape
from events.check.columnar.texts import lengths
from events.check.columns import columns_of
from events.contract.fields import Field, FieldKind
from events.values.canonical import canonical

Words = npt.NDArray[np.uint64]
TEXTS: Final = (FieldKind.TEXT, FieldKind.CHOICE)
_IN_COLUMNS: Final = (*TEXTS, FieldKind.AMOUNT, FieldKind.INSTANT, FieldKind.FLAG)
_MULTIPLIERS: Final = np.array([0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F], np.uint64)
_SHIFTS: Final = np.array([29, 32], np.uint64)


def fingerprints_of(rows: Rows, columns: dict[str, pa.Array]) -> Words:
    """Hash each row's content; *columns* are `columns_of(rows)`."""
    strings = [field for field in rows.shape.of_kind(*TEXTS) if str in rows.kinds(field)]
    texts = map("".join, zip(*(_texts(rows, field) for field in strings), strict=True))
    total = np.zeros(len(rows.rows), np.uint64)
    for field in rows.shape.of_kind(FieldKind.MODELS):
        total += _of_models(rows, field)
    for field in rows.shape.of_kind(*FREE_KINDS):
        total += _of_free_content(rows, field)
    return hashes_of(rows.shape, columns, map(str.encode, texts), total)


def hashes_of(
    shape: Shape, columns: dict[str, pa.Array], texts: Iterable[bytes], nested: Words
) -> Words:
    """Hash contents by their *columns*, one per field of the contract.

    *texts* are each item's strings end to end, in the contract's order; *nested* are the parts of
    what lies inside lists of models and free content.
    """
    total = nested + _of_texts(texts, len(nested))
    for field in shape.of_kind(*_IN_COLUMNS):
        array = columns[field.name]
        if array.null_count == len(total):
            continue
        if field.kind in TEXTS:
            total += _of_lengths(field, array)
        else:
            total += _part(field, *_words(array))
    return _mixed(total)


def _mixed(words: Words) -> Words:
    for multiplier, shift in zip(_MULTIPLIERS, _SHIFTS, strict=True):
        words = words * multiplier
        words ^= words >> shift
    return words


def _part(field: Field, words: Words, array: pa.Array, more: Words | None = None) -> Words:
    part = _mixed(words ^ _seed(field.name))
    if more is not None:
        part = _mixed(part ^ more)
    return _without_defaults(field, part, array)


def _without_defaults(field: Field, part: Words, array: pa.Array) -> Words:
    """Let nulls and defaults add nothing; changes *part* in place."""
    if field.default is not None:
        part[
            pc.equal(array, pa.scalar(field.default, array.type)).to_numpy(zero_copy_only=False)
        ] = 0
    if array.null_count:
        part[array.is_null().to_numpy(zero_copy_only=False)] = 0
    return part


@cache
def _seed(name: str) -> np.uint64:
    return np.uint64(xxhash.xxh3_64_intdigest(name.encode()))


def _texts(rows: Rows, field: Field) -> list[str]:
    values = rows.values(field)
    if rows.kinds(field) == {str}:
        return values
    return [value if isinstance(value, str) else "" for value in values]


def _of_texts(texts: Iterable[bytes], count: int) -> Words:
    return np.fromiter(map(xxhash.xxh3_64_intdigest, texts), np.uint64, count)


def _of_lengths(field: Field, array: pa.Array) -> Words:
    """One multiplication per text is enough: the sum of all parts is mixed at the end."""
    part = (lengths(array) + 1).astype(np.uint64) * (_seed(field.name) | np.uint64(1))
    return _without_defaults(field, part, array)


def _words(array: pa.Array) -> tuple[Words, pa.Array, Words | None]:
    if pa.types.is_boolean(array.type):
        return array.cast(pa.uint8()).fill_null(0).to_numpy().astype(np.uint64), array, None
    words = np.frombuffer(array.buffers()[1], np.uint64)
    if pa.types.is_decimal(array.type):
        pairs = words.reshape(-1, 2)[array.offset :][: len(array)]
        return pairs[:, 0], array, pairs[:, 1]
    return words[array.offset :][: len(array)], array, None


def _of_models(rows: Rows, field: Field) -> Words:
    """Hash lists of models: the hashes of their elements, in order. An empty list is not a null."""
    inner = rows.nested()[field.name]
    hashes = np.zeros(0, np.uint64)
    if inner.rows:
        hashes = fingerprints_of(inner, columns_of(inner, *_IN_COLUMNS))
    ends = np.searchsorted(inner.owners, np.arange(len(rows.rows) + 1))
    indexes, _ = rows.present(field)
    borders = list(pairwise(ends.tolist()))
    whole = hashes.tobytes()
    digests = [
        xxhash.xxh3_64_intdigest(whole[8 * start : 8 * end])
        for start, end in map(borders.__getitem__, indexes)
    ]
    return _of_hashes(rows, field, indexes, digests)


def _of_free_content(rows: Rows, field: Field) -> Words:
    """Hash content by its canonical text; the legs of one event mostly have the same content."""
    hashes = _ContentHashes()
    indexes, texts = rows.present(field)
    return _of_hashes(rows, field, indexes, [hashes[text] for text in map(bytes, texts)])


class _ContentHashes(dict[bytes, int]):
    """The hash of each JSON text, computed on first use."""

    def __missing__(self, text: bytes) -> int:
        self[text] = made = xxhash.xxh3_64_intdigest(canonical(text))
        return made


def _of_hashes(rows: Rows, field: Field, indexes: list[int], hashes: list[int]) -> Words:
    part = np.zeros(len(rows.rows), np.uint64)
    part[indexes] = _mixed(np.array(hashes, np.uint64) ^ _seed(field.name))
    return part
