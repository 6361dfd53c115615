"""Changes to tenants: each is a pure function from one tenants file to the next."""

from __future__ import annotations

from datetime import datetime, timedelta

from events.contract.registry import BY_NAME
from tenants.keys import hash_of, new_key
from tenants.tenants import TENANT_NAME, IdRule, StoredKey, Tenant, TenantsFile


class TenantChangeError(Exception):
    """The change makes no sense for this file; the text says why and what to do."""


def add_tenant(file: TenantsFile, name: str, tenant: Tenant) -> TenantsFile:
    """*file* with the new *tenant*.

    Raises:
        TenantChangeError: the name is taken or not a valid one.
    """
    if not TENANT_NAME.fullmatch(name):
        raise TenantChangeError(f"{name!r} is not a tenant name: use a-z, 0-9, - and _, 63 at most")
    if name in file.tenants:
        raise TenantChangeError(f"{name} exists; `railhead tenant rotate {name}` makes another key")
    return _with(file, name, tenant)


def make_key(
    pepper: bytes, *, now: datetime, expires_in: timedelta | None = None
) -> tuple[StoredKey, str]:
    """A new key in its stored form, and in the form that is shown once."""
    prefix, key = new_key()
    expires_at = None if expires_in is None else now + expires_in
    stored = StoredKey(
        prefix=prefix, hash=hash_of(key, pepper), created_at=now, expires_at=expires_at
    )
    return stored, key


def rotate(
    file: TenantsFile, name: str, fresh: StoredKey, *, old_keys_until: datetime
) -> TenantsFile:
    """*file* with key *fresh* for tenant *name*; the older ones end at *old_keys_until*."""
    tenant = find(file, name)
    older = tuple(_ending(key, old_keys_until) for key in tenant.keys)
    return _with(file, name, tenant.model_copy(update={"keys": (*older, fresh)}))


def revoke(file: TenantsFile, name: str, prefix: str | None, *, now: datetime) -> TenantsFile:
    """*file* with the keys of *name* revoked: that of *prefix*, or all of them."""
    tenant = find(file, name)
    if prefix is not None and prefix not in {key.prefix for key in tenant.keys}:
        raise TenantChangeError(f"{name} has no key {prefix}; see `railhead tenant list`")
    keys = tuple(
        key.model_copy(update={"revoked_at": key.revoked_at or now})
        if prefix in (None, key.prefix)
        else key
        for key in tenant.keys
    )
    return _with(file, name, tenant.model_copy(update={"keys": keys}))


def change_id_fields(
    tenant: Tenant, event: str, fields: tuple[str, ...], since: datetime
) -> Tenant:
    """*tenant* with ids of *event* made of *fields* from *since* on; the log keeps old rules."""
    contract = BY_NAME[event].id_fields
    current = tenant.id_fields.get(event, contract)
    log = tenant.id_rules.get(event, ())
    if not log or log[-1].fields != current:
        # It was set by hand, or before there was a log: its start is not known.
        log = (*log, *(() if log else (IdRule(fields=contract),)), IdRule(fields=current))
    chosen = {name: known for name, known in tenant.id_fields.items() if name != event}
    if fields != contract:
        chosen[event] = fields
    rules = {**tenant.id_rules, event: (*log, IdRule(fields=fields, since=since))}
    return tenant.model_copy(update={"id_fields": chosen, "id_rules": rules})


def find(file: TenantsFile, name: str) -> Tenant:
    """The tenant *name*.

    Raises:
        TenantChangeError: there is none.
    """
    if name not in file.tenants:
        raise TenantChangeError(f"no tenant {name}; see `railhead tenant list`")
    return file.tenants[name]


def _ending(key: StoredKey, until: datetime) -> StoredKey:
    if key.expires_at is not None and key.expires_at <= until:
        return key
    return key.model_copy(update={"expires_at": until})


def _with(file: TenantsFile, name: str, tenant: Tenant) -> TenantsFile:
    return file.model_copy(update={"tenants": {**file.tenants, name: tenant}})
