"""Shows dead letters: a table of many, everything about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.contract.reasons import BY_CODE
from events.values.instants import utc_text
from railhead.dead_letters.dead_letter import DeadLetter, DeadLetterId, Occurrences
from railhead.dead_letters.plain_text import printable_lines, visible

RAW_SHOWN: Final = 200


def as_table(dead_letters: Iterable[DeadLetter], *, with_raw: bool) -> Table:
    """One row for each dead letter; *with_raw* its payload, else what is wrong with it."""
    return _table(
        [
            _Row(dead_letter, f"{dead_letter.received_at:%F %T}\n{sent_again(dead_letter)}")
            for dead_letter in dead_letters
        ],
        "received (UTC)\nsent again",
        with_raw=with_raw,
    )


def as_table_of_items(
    dead_letters: Iterable[DeadLetter],
    occurrences: Mapping[DeadLetterId, Occurrences],
    *,
    with_raw: bool,
) -> Table:
    """One row for each distinct item, by its dead letter in *occurrences*; payload as above."""
    rows = []
    for dead_letter in dead_letters:
        found = occurrences[dead_letter.id]
        when = f"{found.first_seen:%F %T}\n{found.last_seen:%F %T}"
        rows.append(_Row(dead_letter, when, f"{found.times:,}"))
    return _table(rows, "first seen (UTC)\nlast seen", with_raw=with_raw)


class _Row(NamedTuple):
    dead_letter: DeadLetter
    when: str
    times: str | None = None


def _table(rows: Sequence[_Row], when: str, *, with_raw: bool) -> Table:
    """Two lines a row, so that ids, times and what is wrong fit 80 columns."""
    table = Table("id", when, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    if rows and rows[0].times is not None:
        table.add_column("times", justify="right")
    for name in ("raw",) if with_raw else ("event\ntenant", "reason\nfield"):
        table.add_column(name, overflow="fold")
    for row in rows:
        dead = row.dead_letter
        said = [(dead.raw,)] if with_raw else [(dead.event, dead.tenant), (dead.reason, dead.field)]
        cells = (
            str(dead.id),
            row.when.rstrip(),
            *([] if row.times is None else [row.times]),
            *(
                "\n".join(visible(part, most_characters=RAW_SHOWN) for part in cell)
                for cell in said
            ),
        )
        # Text, not markup: a value like [red] is a value.
        table.add_row(*map(Text, cells))
    return table


def sent_again(dead_letter: DeadLetter) -> str:
    """When, and what came of it; empty if never."""
    if dead_letter.replayed_at is None:
        return ""
    times = f" ({dead_letter.replays} times)" if dead_letter.replays > 1 else ""
    return f"{dead_letter.replayed_at:%F %T} {dead_letter.replay_outcome}{times}"


def print_dead_letter(
    console: Console,
    dead_letter: DeadLetter,
    occurrences: Occurrences,
    replays: Sequence[dict[str, Any]],
) -> None:
    """Print everything about one dead letter, the raw bytes last."""
    reason = BY_CODE.get(dead_letter.reason)
    lines: list[tuple[str, object]] = [
        ("id", dead_letter.id),
        ("tenant", dead_letter.tenant),
        ("event", dead_letter.event),
        ("reason", dead_letter.reason),
        ("meaning", reason.meaning if reason else ""),
        ("remedy", reason.remedy if reason else ""),
        ("field", dead_letter.field),
        ("message", dead_letter.message),
        ("came from", dead_letter.origin),
        ("request id", dead_letter.request_id),
        ("received", utc_text(dead_letter.received_at)),
        ("first seen", utc_text(occurrences.first_seen)),
        ("last seen", utc_text(occurrences.last_seen)),
        ("times", f"{occurrences.times:,}"),
        ("reported", utc_text(dead_letter.appended_at)),
        ("stored", utc_text(dead_letter.stored_at)),
    ]
    for name, value in lines:
        console.print(Text(f"{name:<11} {visible(str(value))}".rstrip()))
    for one in replays:
        console.print(Text(_replay(one)))
    _print_raw(console, dead_letter)


def _replay(one: dict[str, Any]) -> str:
    changes = f", with {one['changes']}" if one["changes"] else ""
    why = f": {one['reason']} {one['field']} {one['message']}" if one["reason"] else ""
    reported = f"{utc_text(one['replayed_at'])} by {one['via']}{changes}: {one['outcome']}{why}"
    return f"{'sent again':<11} {visible(reported)}"


def _print_raw(console: Console, dead_letter: DeadLetter) -> None:
    raw = dead_letter.bytes
    console.print(Text(f"{'raw':<11} {len(raw):,} bytes"))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        console.print(Text("\n".join(_dump(raw))))
        return
    console.print(Text(printable_lines(text)))


def _dump(raw: bytes) -> Iterable[str]:
    """Bytes in hexadecimal beside their ASCII characters, sixteen a line."""
    for at in range(0, len(raw), 16):
        line = raw[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        yield f"{at:08x}  {line.hex(' '):<47}  {shown}"
