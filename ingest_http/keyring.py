"""Finds the tenant of a key: keys in memory, reloaded from tenants.json without a restart.

Missing, unknown, early, expired, revoked and disabled keys take the same steps and get the same
answer: one hash, one comparison, one look at the file's time stamp.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from events.contract.id_rules import DEFAULT_RULES, IdRules
from tenants.id_rules import rules_of_tenants
from tenants.keys import LONGEST_KEY, hash_of, prefix_of, same
from tenants.tenants import StoredKey, Tenant
from tenants.tenants_file import TenantsFileError, pepper_path, read_pepper, read_tenants, stamp_of

log = logging.getLogger(__name__)

NOBODY: Final = Tenant(created_at=datetime(2000, 1, 1, tzinfo=UTC), disabled=True)
DECOY: Final = StoredKey(prefix="a" * 8, hash="0" * 64, created_at=NOBODY.created_at)


@dataclass(frozen=True, slots=True)
class Owner:
    """The tenant a key belongs to, and how its items' ids are made."""

    name: str
    tenant: Tenant
    rules: IdRules = DEFAULT_RULES


class Keyring:
    """The keys of one tenants file. If it becomes unusable, the last good ones stay in force."""

    def __init__(self, path: Path, *, wall_clock: Callable[[], datetime] | None = None) -> None:
        """Read *path* now.

        Raises:
            TenantsFileError: the file is there but cannot be used; the API must not start with it.
        """
        self._path = path
        self._wall_clock = wall_clock or (lambda: datetime.now(UTC))
        self._by_prefix: dict[str, tuple[Owner, StoredKey]] = {}
        self._pepper = b""
        self._names: frozenset[str] = frozenset()
        self._stamps = self._read_stamps()
        self.last_error: str | None = None
        self._load()

    @property
    def tenants(self) -> frozenset[str]:
        """The names of all known tenants."""
        return self._names

    def owner_of(self, presented: str | None) -> Owner | None:
        """The tenant with the key *presented*, if the key is valid now.

        After every key that does not match, the files' time stamps are checked: a key works the
        moment `railhead tenant add` has printed it. That costs a few microseconds, less than the
        hash, so it does not make many bad keys much more expensive.
        """
        owner = self._match(presented)
        if owner is None and self.refresh():
            owner = self._match(presented)
        return owner

    def refresh(self) -> bool:
        """Read the file if it changed; True if there is new content."""
        stamps = self._read_stamps()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self._load()
        except (TenantsFileError, OSError) as error:
            self.last_error = str(error)
            log.exception("tenants file not usable, the last good content stays in force")
            return False
        log.info("tenants read again", extra={"tenants": len(self._names)})
        return True

    async def keep_fresh(self, every_seconds: float) -> None:
        """Check the file every *every_seconds* until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.refresh()

    def _match(self, presented: str | None) -> Owner | None:
        key = presented if presented is not None and len(presented) <= LONGEST_KEY else ""
        owner, stored = self._by_prefix.get(prefix_of(key), (Owner("", NOBODY), DECOY))
        matches = same(hash_of(key, self._pepper), stored.hash)
        active = stored.state(self._wall_clock()) == "active"
        return owner if matches and active and not owner.tenant.disabled else None

    def _load(self) -> None:
        tenants = read_tenants(self._path).tenants
        self._pepper = read_pepper(self._path)
        self._names = frozenset(tenants)
        self._by_prefix = {
            key.prefix: (owner, key) for owner in _owners(tenants) for key in owner.tenant.keys
        }
        self.last_error = None

    def _read_stamps(self) -> object:
        return stamp_of(self._path), stamp_of(pepper_path(self._path))


def _owners(tenants: Mapping[str, Tenant]) -> list[Owner]:
    try:
        return [
            Owner(name, tenant, rules_of_tenants({name: tenant}))
            for name, tenant in tenants.items()
        ]
    except ValueError as error:
        raise TenantsFileError(str(error)) from None
