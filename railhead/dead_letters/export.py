"""Writes dead letters for other programs: NDJSON with everything, or CSV for spreadsheets."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TextIO

from railhead.dead_letters.dead_letter import DeadLetter, Occurrences
from railhead.dead_letters.plain_text import csv_cell

COLUMNS: Final = (
    "id", "tenant", "event", "reason", "field", "message", "raw", "raw_base64", "request_id",
    "position", "topic", "partition", "offset", "received_at", "stored_at", "replays",
    "replayed_at", "replay_outcome",
)  # fmt: skip


def as_row(dead_letter: DeadLetter, occurrences: Occurrences | None = None) -> dict[str, Any]:
    """One dead letter; bytes that are not UTF-8 are in `raw_base64`, and `raw` is null.

    With *occurrences* of the same item, when it came first and last, and how often.
    """
    raw = dead_letter.bytes
    try:
        text, encoded = raw.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(raw).decode()
    special = {
        "id": str(dead_letter.id),
        "raw": text,
        "raw_base64": encoded,
        "received_at": dead_letter.received_at.isoformat(),
        "stored_at": dead_letter.stored_at.isoformat(),
        "replayed_at": dead_letter.replayed_at.isoformat() if dead_letter.replayed_at else None,
    }
    row = {name: special.get(name, getattr(dead_letter, name, None)) for name in COLUMNS}
    if occurrences is not None:
        first, last = occurrences.first_seen, occurrences.last_seen
        row |= {"first_seen": first.isoformat(), "last_seen": last.isoformat()}
        row["times"] = occurrences.times
    return row


def write_ndjson(dead_letters: Iterable[DeadLetter], file: TextIO) -> int:
    """Write one object a line; returns how many."""
    count = 0
    for dead_letter in dead_letters:
        # Escaped to ASCII: no line end of Unicode's can cut an object in two.
        file.write(json.dumps(as_row(dead_letter)) + "\n")
        count += 1
    return count


def write_csv(dead_letters: Iterable[DeadLetter], file: TextIO) -> int:
    """Write RFC 4180's CSV with a heading; returns how many. Formulas are made harmless."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for dead_letter in dead_letters:
        writer.writerow([csv_cell(value) for value in as_row(dead_letter).values()])
        count += 1
    return count


WRITERS: Final[dict[str, Callable[[Iterable[DeadLetter], TextIO], int]]] = {
    "ndjson": write_ndjson,
    "csv": write_csv,
}
