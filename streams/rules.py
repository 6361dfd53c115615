"""Which fields make an id, for each tenant? The operator's rules, followed without a restart.

They stand in the tenants file, which the doors follow too. Workers read only the rules: no key
and no hash of a key is kept here.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from events.idrules import DEFAULT_RULES, IdRules, parse_id_rules

logger = logging.getLogger(__name__)


class RuleBook:
    """The id rules of one tenants file; if it goes bad, the last good ones stay in force."""

    def __init__(self, path: Path | None) -> None:
        """Read *path* now; None or no file means the contract's own rules."""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.rules: IdRules = DEFAULT_RULES
        self.refresh()

    def refresh(self) -> None:
        """Read the file if it changed."""
        stamp = self._stamped()
        if self._path is None or stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.rules = parse_id_rules(_id_fields(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError):
            logger.exception("Id rules of %s are not usable; the last good ones stay.", self._path)

    def _stamped(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return None if status is None else (status.st_ino, status.st_mtime_ns)


def _id_fields(content: bytes) -> dict[str, dict[str, list[str]]]:
    tenants = json.loads(content)["tenants"]
    return {
        name: tenant["id_fields"] for name, tenant in tenants.items() if tenant.get("id_fields")
    }
