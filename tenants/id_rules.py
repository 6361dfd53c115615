"""Follows the id rules of the tenants file without a restart.

The ingest API and the workers read the same file; workers read only the rules of it, and keep no
key and no hash of a key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from events.contract.id_rules import DEFAULT_RULES, IdRules, Rule, checked_fields
from events.contract.registry import BY_NAME
from tenants.tenants import IdRule, TenantIds, TenantIdsFile
from tenants.tenants_file import TenantsFileError, read_as, stamp_of

logger = logging.getLogger(__name__)


def read_rules(path: Path) -> IdRules:
    """The id rules of the tenants file at *path*.

    Raises:
        TenantsFileError: it does not exist, or is not a tenants file.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[IdRules, frozenset[str]]:
    """The rules, and the names of the tenants."""
    try:
        tenants = read_as(TenantIdsFile, path).tenants
        return rules_of_tenants(tenants), frozenset(tenants)
    except FileNotFoundError:
        raise TenantsFileError(
            f"There is no tenants file {path}: without it ids would be made by other rules than "
            "before. Restore it from the backup (for a new system `railhead tenant add --create` "
            "makes it), or correct RAILHEAD_TENANTS_FILE."
        ) from None
    except (OSError, ValueError) as error:
        raise TenantsFileError(f"The tenants file {path} is not usable ({error}).") from None


def rules_of_tenants(tenants: Mapping[str, TenantIds]) -> IdRules:
    """The rules of *tenants*, by their `id_fields` and the log `id_rules`.

    The log says which rule was in force since when. A rule that is not the log's last was set by
    hand: it is in force, and any of the log's, or the contract's if there is no log, may have been
    in force before.

    Raises:
        ValueError: as `parse_id_rules`.
    """
    found = {
        (tenant, name): tuple(_history(name, ids.id_fields.get(name), ids.id_rules.get(name, ())))
        for tenant, ids in tenants.items()
        for name in {*ids.id_fields, *ids.id_rules}
    }
    return IdRules(MappingProxyType(found))


def _history(name: str, chosen: Sequence[str] | None, log: Sequence[IdRule]) -> Iterator[Rule]:
    contract = BY_NAME[name].id_fields if name in BY_NAME else ()
    current = contract if chosen is None else checked_fields(name, chosen)
    logged = []
    for one in log:
        since_ms = 0 if one.since is None else round(one.since.timestamp() * 1000)
        logged.append(Rule(since_ms, checked_fields(name, one.fields)))
    if logged and logged[-1].fields == current:
        yield from sorted(logged, key=lambda rule: rule.since_ms)
        return
    before = dict.fromkeys(rule.fields for rule in logged) or {contract: None}
    yield from (Rule(-1, fields) for fields in before if fields != current)
    yield Rule(0, current)


def rules_if_there(path: Path) -> IdRules:
    """The id rules of the tenants file; the contract's if this machine has no such file.

    Raises:
        TenantsFileError: it exists but is not usable.
    """
    return read_rules(path) if path.exists() else DEFAULT_RULES


class TenantRules:
    """The id rules of one tenants file; if it becomes unusable, the last good ones stay in force.

    *alarm* is called when it becomes unusable or disappears.
    """

    def __init__(self, path: Path | None, alarm: Callable[[], None] = lambda: None) -> None:
        """Read *path* now; None means the contract's own rules for all tenants.

        Raises:
            TenantsFileError: the file cannot be read.
        """
        self._path = path
        self._alarm = alarm
        self._stamp = path and stamp_of(path)
        self.rules: IdRules = DEFAULT_RULES
        # Without a file nobody knows who the tenants are.
        self.names: frozenset[str] | None = None
        if path is not None:
            self.rules, self.names = _read(path)

    def current(self) -> IdRules:
        """The rules of the file as it is now.

        The ingest API applies a rule only once it is in the file, so a call after an item was
        read returns the rules by which the API accepted it.
        """
        self.refresh()
        return self.rules

    def refresh(self) -> None:
        """Read the file if it changed."""
        if self._path is None or (stamp := stamp_of(self._path)) == self._stamp:
            return
        self._stamp = stamp
        try:
            self.rules, self.names = _read(self._path)
        except TenantsFileError as error:
            self._alarm()
            logger.error("%s The last good rules stay in force.", error)  # noqa: TRY400 - no trace
