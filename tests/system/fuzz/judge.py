"""Judges answers: one case and its answers in, complaints out; without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.system.fuzz.case import BUSY, Case, Secrets
from tests.system.fuzz.wire import Answer

GOOD: Final = {False: "accepted", True: "valid"}
ERROR_FIELDS: Final = ("error", "message", "request_id")


def complaints(case: Case, answers: Sequence[Answer], secrets: Secrets) -> list[str]:
    """Everything that is wrong with *answers*."""
    found = [text for answer in answers for text in _about(case, answer, secrets)]
    if len(answers) < case.answers and not case.may_close and not case.leave:
        found.append(f"{len(answers)} of {case.answers} answers came")
    return found


def _about(case: Case, answer: Answer, secrets: Secrets) -> Iterator[str]:
    if answer.status not in case.expected | BUSY:
        yield f"{answer.status} rather than {sorted(case.expected)}: {answer.body[:300]!r}"
    if secrets.in_text(answer.body) or secrets.in_text(repr(answer.headers).encode()):
        yield "a key is in the answer"
    if answer.status >= 400 and not case.head:
        yield from _about_error(answer)
    if answer.status == 204 and answer.body:
        yield "204 with a body"
    if answer.status == 204 and not answer.headers.get("x-railhead-rejected", "").isdigit():
        yield "204 without the number of rejected items"
    if answer.status == 200 and case.size:
        yield from _about_report(case, _json(answer))


def _about_error(answer: Answer) -> Iterator[str]:
    body = _json(answer)
    if not isinstance(body, dict) or not all(isinstance(body.get(x), str) for x in ERROR_FIELDS):
        yield f"{answer.status} without the documented body: {answer.body[:200]!r}"
    if not answer.headers.get("content-type", "").startswith("application/json"):
        yield f"{answer.status} is not declared as JSON"


def _about_report(case: Case, report: Any) -> Iterator[str]:
    outcomes = report["outcomes"] if isinstance(report, dict) else []
    if len(outcomes) != case.size or sum(report["counts"].values()) != case.size:
        yield f"a report about {len(outcomes)} of {case.size} items"
        return
    for position, valid in case.valid.items():
        outcome = outcomes[position]
        if outcome["outcome"] != GOOD[case.dry_run] or outcome.get("id") != valid.id:
            yield f"the valid item at {position} has {outcome}"


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def stored_for_sure(case: Case, answers: Sequence[Answer]) -> bool:
    """Whether the valid items must be on Kafka's topics now."""
    return len(answers) == case.answers and all(
        answer.status in (200, 204) and not case.dry_run for answer in answers
    )


def surely_not_stored(case: Case, answers: Sequence[Answer]) -> bool:
    """Whether the valid items must not be there: refused as a whole, or a dry run."""
    return len(answers) == case.answers and all(
        400 <= answer.status <= 503 or (answer.status == 200 and case.dry_run) for answer in answers
    )
