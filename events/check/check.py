"""Checks items and records: the one check that the ingest API and the stream share.

Each item is judged alone: nothing about one item changes what happens to another. There are three
ways. The template check (`events.check.template`) proves most records of a topic by comparing text,
because most are written in the same way. The columnar check (`events.check.columnar`) proves most
others, and a request's items, by decoding them into columns. The exact check (`events.check.exact`)
judges what is left one by one, and its outcome is final. No content of an item raises an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from events.check.columnar.check import sort_items, sort_records
from events.check.columnar.decoded_rows import Group, JsonText, Judged
from events.check.content import content_of, joined, taken
from events.check.exact import RejectedError, Valid, judge_item, judge_record
from events.check.result import Checked, CheckedType, Rejection
from events.check.template.check import KnownTemplates, match_templates
from events.check.template.field_extraction import ExtractedFields
from events.contract.explain import Problem
from events.contract.id_rules import DEFAULT_RULES, MAX_ID_CHARACTERS, IdRules, empty_part, join_id
from events.contract.reasons import BY_CODE
from events.contract.registry import EventType
from events.values.coercion import quote_plain_numbers

# So few are judged faster one by one: columns cost about 100 microseconds however short they are.
FEW = 5
# About so many records are checked at a time: their decoded form, some two kilobytes each, is then
# still in the processor's cache. A slightly larger chunk costs less than a very small last one.
CHUNK = 5_000

Owner = tuple[str | None, int | None]
"""The tenant of an item, and when its record was appended (None: it is judged now)."""
OwnerAt = Callable[[int], Owner]


def check_items(
    raws: Sequence[JsonText],
    *,
    tenant: str | None = None,
    rules: IdRules = DEFAULT_RULES,
    coerce_ids: bool = False,
) -> Checked:
    """Check whole items `{"event", "data"}` of one tenant, as a request's body holds them.

    With *coerce_ids* a number is taken where the contract says string; such items are in
    `CheckedType.rewritten`, as they must be published.
    """
    groups, left = sort_items(raws) if len(raws) > FEW else ([], list(range(len(raws))))
    rewritten: dict[int, bytes] = {}
    if coerce_ids and left:
        more, left, rewritten = _sort_rewritten(raws, left)
        groups += more
    judged, rejected = _judge_each(
        left, lambda position: judge_item(bytes(raws[position]), coerce_ids=coerce_ids)
    )
    rewritten |= {at: valid.rewritten for at, valid in judged.items() if valid.rewritten}
    return _checked(_merged(groups, judged), rejected, (rules, lambda _: (tenant, None)), rewritten)


def check_records(
    event_type: EventType,
    values: Sequence[JsonText | None],
    *,
    owners: Sequence[Owner] | None = None,
    rules: IdRules = DEFAULT_RULES,
    templates: KnownTemplates | None = None,
) -> Checked:
    """Check the values of one topic's records: whole items, or their `data` alone.

    With *templates* the template check comes first; the outcome is the same.
    """
    extracted: list[ExtractedFields] = []
    rejected: list[Rejection] = []
    size = math.ceil(len(values) / max(1, round(len(values) / CHUNK))) or 1
    for start in range(0, len(values), size):
        chunk = values[start : start + size]
        left: Sequence[int] = range(len(chunk))
        if templates is not None and _id_is_a_field(event_type, rules):
            matched, left = match_templates(templates, event_type, chunk)
            extracted += [one.moved(start) for one in matched]
        if not left:
            continue
        theirs = owners and [owners[start + at] for at in left]
        rest = _check_chunk(event_type, [chunk[at] for at in left], theirs, rules)
        rejected += [one.moved_to(start + left[one.position]) for one in rest.rejected]
        for one_type in rest.accepted:
            positions = np.array([left[at] for at in one_type.positions]) + start
            adjusted = [(start + left[at], one) for at, one in one_type.adjusted]
            home_ids = one_type.home_id_array if rules.touches(event_type) else None
            extracted.append(
                ExtractedFields(positions, one_type.id_array, one_type.content, adjusted, home_ids)
            )
    return Checked([_in_order(event_type, extracted)] if extracted else [], rejected)


def _in_order(event_type: EventType, extracted: list[ExtractedFields]) -> CheckedType:
    positions = np.concatenate([one.positions for one in extracted])
    ids = pa.concat_arrays([one.ids for one in extracted])
    content = joined([one.content for one in extracted])
    # All or none have them: where a tenant has a rule of its own, no template check is made.
    homes = [one.home_ids for one in extracted if one.home_ids is not None]
    home_ids = pa.concat_arrays(homes) if homes else None
    if (positions[1:] < positions[:-1]).any():
        order = np.argsort(positions, kind="stable")
        positions, content, ids = positions[order], taken(content, order), ids.take(pa.array(order))
        home_ids = None if home_ids is None else home_ids.take(pa.array(order))
    return CheckedType(
        event_type,
        positions.tolist(),
        ids,
        lambda: content,
        adjusted=[pair for one in extracted for pair in one.adjusted],
        home_ids=home_ids,
    )


def _check_chunk(
    event_type: EventType,
    values: Sequence[JsonText | None],
    owners: Sequence[Owner] | None,
    rules: IdRules,
) -> Checked:
    groups, left = sort_records(event_type, values)

    def judge(position: int) -> Valid:
        value = values[position]
        return judge_record(None if value is None else bytes(value), event_type)

    judged, rejected = _judge_each(left, judge)
    whose: OwnerAt = owners.__getitem__ if owners is not None else lambda _: (None, None)
    return _checked(_merged(groups, judged), rejected, (rules, whose), {})


ValidByPosition = dict[int, Valid]


def _sort_rewritten(
    raws: Sequence[JsonText], left: list[int]
) -> tuple[list[Group], list[int], dict[int, bytes]]:
    """Try the columnar check once more, with the numbers of the items in quotes.

    A rewritten item that it proves holds only the contract's names, each where it belongs, so the
    quotes are in the right places; the others are judged from the text that was sent.
    """
    tried = {at: text for at in left if (text := quote_plain_numbers(bytes(raws[at])))}
    positions = list(tried)
    groups, _ = sort_items(list(tried.values()))
    for group in groups:
        group.positions = [positions[index] for index in group.positions]
    proved = {at for group in groups for at in group.positions}
    rewritten = {at: text for at, text in tried.items() if at in proved}
    return groups, [at for at in left if at not in proved], rewritten


def _judge_each(
    positions: Sequence[int], judge: Callable[[int], Valid]
) -> tuple[ValidByPosition, list[Rejection]]:
    judged: ValidByPosition = {}
    rejected: list[Rejection] = []
    for position in positions:
        try:
            judged[position] = judge(position)
        except RejectedError as rejection:
            rejected.append(_rejection(position, rejection.event, rejection.problem))
    return judged, rejected


def _rejection(position: int, event: str | None, problem: Problem) -> Rejection:
    message = f"{problem.message}; {BY_CODE[problem.reason].remedy}"
    return Rejection(position, event, problem.reason, problem.field, message)


def _merged(groups: list[Group], judged: ValidByPosition) -> list[Group]:
    """Merge what both checks accepted: one group per type, positions ascending."""
    extra: dict[EventType, list[Judged]] = {}
    merged: dict[EventType, Group] = {}
    for group in groups:
        if group.event_type in merged:
            extra.setdefault(group.event_type, []).extend(group.judged())
        merged.setdefault(group.event_type, group)
    for position, valid in judged.items():
        one = (position, valid.row, valid.adjusted)
        extra.setdefault(valid.event_type, []).append(one)
    for event_type, rows in extra.items():
        merged.setdefault(event_type, Group(event_type, 0)).merge(rows)
    return list(merged.values())


def _checked(
    groups: list[Group],
    rejected: list[Rejection],
    owners: tuple[IdRules, OwnerAt],
    rewritten: dict[int, bytes],
) -> Checked:
    accepted: list[CheckedType] = []
    for group in groups:
        ids = _ids(group, *owners)
        problems = _too_long_ones(group, ids) | _empty_ones(group, ids, *owners)
        if problems:
            name = group.event_type.name
            rejected += [_rejection(group.positions[at], name, problems[at]) for at in problems]
            ids = [one for index, one in enumerate(ids) if index not in problems]
            group.drop(set(problems))
        mine = {at: rewritten[at] for at in group.positions if at in rewritten} if rewritten else {}
        made = partial(content_of, group)
        accepted.append(
            CheckedType(
                group.event_type,
                group.positions,
                ids,
                made,
                rewritten=mine,
                adjusted=group.adjustments() if group.adjusted else (),
                home_ids=_home_ids(group, *owners),
            )
        )
    rejected.sort(key=lambda one: one.position)
    return Checked([one for one in accepted if one.positions], rejected)


def _id_is_a_field(event_type: EventType, rules: IdRules) -> bool:
    return not rules.touches(event_type) and len(event_type.id_fields) == 1


def _ids(group: Group, rules: IdRules, whose: OwnerAt) -> list[str]:
    if _id_is_a_field(group.event_type, rules):
        return group.texts(group.event_type.id_fields[0])
    event_type = group.event_type
    return _joined_ids(group, lambda at: rules.fields_for(whose(at)[0], event_type, whose(at)[1]))


def _home_ids(group: Group, rules: IdRules, whose: OwnerAt) -> list[str] | None:
    """What decides the partitions, where it is not the ids."""
    if _id_is_a_field(group.event_type, rules):
        return None
    return _joined_ids(group, lambda at: rules.home_fields(whose(at)[0], group.event_type))


def _joined_ids(group: Group, fields_at: Callable[[int], Sequence[str]]) -> list[str]:
    return [
        join_id([getattr(row, name) for name in fields_at(at)])
        for at, row in zip(group.positions, group.rows, strict=True)
    ]


ProblemByIndex = dict[int, Problem]


def _too_long_ones(group: Group, ids: list[str]) -> ProblemByIndex:
    if not ids or max(map(len, ids)) <= MAX_ID_CHARACTERS:
        return {}
    field = f"data.{group.event_type.id_fields[0]}"
    message = f"{field} makes an id of more than {MAX_ID_CHARACTERS:,} characters"
    problem = Problem("id_too_long", field, message)
    return {index: problem for index, one in enumerate(ids) if len(one) > MAX_ID_CHARACTERS}


def _empty_ones(group: Group, ids: list[str], rules: IdRules, whose: OwnerAt) -> ProblemByIndex:
    event_type = group.event_type
    if rules.empty_ids:
        return {}
    if _id_is_a_field(event_type, rules):
        problem = _empty(event_type.id_fields[0])
        # Mostly none is, and `all` finds that out in a loop in C.
        return {} if all(ids) else {index: problem for index, one in enumerate(ids) if not one}
    found: ProblemByIndex = {}
    for index, (at, row) in enumerate(zip(group.positions, group.rows, strict=True)):
        fields = rules.fields_for(whose(at)[0], event_type, whose(at)[1])
        name = empty_part(event_type, {one: getattr(row, one) for one in fields})
        if name is not None:
            found[index] = _empty(name)
    return found


def _empty(name: str) -> Problem:
    return Problem("empty_id", f"data.{name}", f"data.{name} is part of the id and empty")
