"""Follows the id rules of the tenants file without a restart.

The ingest API and the workers read the same file; workers read only the rules of it, and keep no
key and no hash of a key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from events.contract.id_rules import DEFAULT_RULES, IdRules, rules_of_tenants

logger = logging.getLogger(__name__)

_UNUSABLE = (OSError, ValueError, TypeError, AttributeError, KeyError)


class RulesUnavailableError(ValueError):
    """The tenants file cannot be read, so it is not known how ids are made; the text says why."""


def read_rules(path: Path) -> IdRules:
    """The id rules of the tenants file at *path*.

    Raises:
        RulesUnavailableError: it does not exist, or is not a tenants file.
    """
    try:
        return rules_of_tenants(json.loads(path.read_bytes())["tenants"])
    except FileNotFoundError:
        raise RulesUnavailableError(
            f"There is no tenants file {path}: without it ids would be made by other rules than "
            "before. Restore it from the backup (for a new system `railhead tenant add` makes it), "
            "or correct RAILHEAD_TENANTS_FILE."
        ) from None
    except _UNUSABLE as error:
        # Its text may quote the file, which holds hashes of keys.
        kind = type(error).__name__
        raise RulesUnavailableError(f"The tenants file {path} is not usable ({kind}).") from None


def rules_if_there(path: Path) -> IdRules:
    """The id rules of the tenants file; the contract's if this machine has no such file.

    Raises:
        RulesUnavailableError: it exists but is not usable.
    """
    return read_rules(path) if path.exists() else DEFAULT_RULES


class TenantRules:
    """The id rules of one tenants file; if it becomes unusable, the last good ones stay in force.

    *alarm* is called when it becomes unusable or disappears.
    """

    def __init__(self, path: Path | None, alarm: Callable[[], None] = lambda: None) -> None:
        """Read *path* now; None means the contract's own rules for all tenants.

        Raises:
            RulesUnavailableError: the file cannot be read.
        """
        self._path = path
        self._alarm = alarm
        self._stamp: tuple[int, int] | None = self._stamped()
        self.rules: IdRules = DEFAULT_RULES if path is None else read_rules(path)

    def current(self) -> IdRules:
        """The rules of the file as it is now.

        The ingest API applies a rule only once it is in the file, so a call after an item was
        read returns the rules by which the API accepted it.
        """
        self.refresh()
        return self.rules

    def refresh(self) -> None:
        """Read the file if it changed."""
        stamp = self._stamped()
        if self._path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.rules = read_rules(self._path)
        except RulesUnavailableError as error:
            self._alarm()
            logger.error("%s The last good rules stay in force.", error)  # noqa: TRY400 - no trace

    def _stamped(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return None if status is None else (status.st_ino, status.st_mtime_ns)
