"""Shows dead letters: a table of many, everything about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.contract.reasons import BY_CODE
from events.values.instants import utc_text
from railhead.dead_letters.dead_letter import DeadLetter, DeadLetterId, Occurrences
from railhead.dead_letters.plain_text import printable_lines, visible

RAW_SHOWN: Final = 200
MESSAGE_SHOWN: Final = 160


def as_table(dead_letters: Iterable[DeadLetter], *, with_raw: bool) -> Table:
    """One line for each dead letter; the payload only *with_raw*."""
    table = Table("id", "received (UTC)", "tenant", "event", "reason", "field", box=SIMPLE_HEAD)
    table.add_column("came from", overflow="fold")
    table.add_column("sent again")
    table.add_column("raw" if with_raw else "message", overflow="fold")
    for dead_letter in dead_letters:
        when = f"{dead_letter.received_at:%F %T}"
        _add_line(table, dead_letter, when, after=[sent_again(dead_letter)], with_raw=with_raw)
    return table


def as_table_of_items(
    dead_letters: Iterable[DeadLetter],
    occurrences: Mapping[DeadLetterId, Occurrences],
    *,
    with_raw: bool,
) -> Table:
    """One line for each distinct item, by its dead letter in *occurrences*; payload as above."""
    table = Table("id", "first seen (UTC)", "last seen (UTC)", box=SIMPLE_HEAD)
    table.add_column("times", justify="right")
    for name in ("tenant", "event", "reason", "field"):
        table.add_column(name)
    table.add_column("first came from", overflow="fold")
    table.add_column("raw" if with_raw else "message", overflow="fold")
    for dead_letter in dead_letters:
        found = occurrences[dead_letter.id]
        first, last = f"{found.first_seen:%F %T}", f"{found.last_seen:%F %T}"
        _add_line(table, dead_letter, first, last, f"{found.times:,}", with_raw=with_raw)
    return table


def _add_line(
    table: Table, dead_letter: DeadLetter, *when: str, after: Sequence[str] = (), with_raw: bool
) -> None:
    """Add a dead letter's line: *when* follows its id, *after* follows its origin."""
    text = dead_letter.raw if with_raw else dead_letter.message
    cells = (
        str(dead_letter.id),
        *when,
        dead_letter.tenant,
        dead_letter.event,
        dead_letter.reason,
        dead_letter.field,
        dead_letter.origin,
        *after,
        visible(text, most_characters=RAW_SHOWN if with_raw else MESSAGE_SHOWN),
    )
    # Text, not markup: a value like [red] is a value.
    table.add_row(*(Text(visible(cell)) for cell in cells))


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
