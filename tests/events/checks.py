"""`check_records` as the tests of events call it, with the template check or without (conftest)."""

from __future__ import annotations

from typing import Any

from events.check import check
from events.check.result import Checked
from events.check.template.check import KnownTemplates

TEMPLATES: list[KnownTemplates | None] = [{}]


def check_records(*args: Any, **options: Any) -> Checked:
    """Check with the templates known so far, if the template check is on."""
    return check.check_records(*args, templates=TEMPLATES[-1], **options)
