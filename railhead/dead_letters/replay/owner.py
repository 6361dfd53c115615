"""Finds the one tenant whose items are to be sent again, and checks that the key is that tenant's.

The ingest API takes the tenant from the key: with another tenant's key one brand's items would
become another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest_http.keyring import Keyring
from railhead.dead_letters.archive import Archive
from railhead.dead_letters.dead_letter import DeadLetterId
from railhead.dead_letters.plain_text import visible


class OwnerError(Exception):
    """It is not clear whose items are meant, or by whose key; the text says what to give."""


def one_tenant(
    archive: Archive, ids: Sequence[DeadLetterId], *, named: str, adopted_by: str = ""
) -> str:
    """The tenant whose items *ids* are; it must be the one *named*, if any.

    Items without a tenant become those of *adopted_by*, if given.

    Raises:
        OwnerError: they are of several tenants, not of the one named, or of none.
    """
    tenants = {dead_letter.tenant for dead_letter in archive.dead_letters(ids, raw_bytes=0)}
    if adopted_by:
        tenants = {tenant or adopted_by for tenant in tenants}
    if named:
        tenants.add(named)
    if len(tenants) > 1:
        shown = ", ".join(sorted(tenant or "(none)" for tenant in tenants))
        raise OwnerError(
            f"these are several tenants' items: {visible(shown)}; replay each tenant's alone"
        )
    tenant = tenants.pop() if tenants else named
    if ids and not tenant:
        raise OwnerError("these items named no tenant; say whose they are: --as-tenant NAME")
    return tenant


def check_key(key: str, tenant: str, path: Path) -> None:
    """Return if *key* is *tenant*'s by the tenants file at *path*.

    Raises:
        OwnerError: it is not, or there is no such file.
        TenantsFileError: the file cannot be used.
    """
    if not path.exists():
        raise OwnerError(
            f"the owner of the key cannot be checked, as there is no {path}: give --data-dir, or "
            "--trust-key if you are sure"
        )
    owner = Keyring(path).owner_of(key)
    if owner is None or owner.name != tenant:
        whose = f"it is {owner.name}'s" if owner else "it is not a valid key"
        raise OwnerError(f"the key is not {tenant}'s: {whose}")
