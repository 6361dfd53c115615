"""The schema of tenants.json: which tenants may send, with which keys and options."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

TENANT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

TenantName = Annotated[str, StringConstraints(pattern=f"^{TENANT_NAME.pattern}$")]


class StoredKey(BaseModel):
    """One key of a tenant: enough to recognise it, not enough to use it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = Field(pattern="^[a-z2-7]{8}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$", description="HMAC-SHA256 of the key, hex")
    created_at: AwareDatetime
    not_before: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    def state(self, now: datetime) -> Literal["active", "early", "expired", "revoked"]:
        """The state of the key at *now*; a revoked key stays revoked."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.not_before is not None and now < self.not_before:
            return "early"
        return "active"


class IdRule(BaseModel):
    """One entry of a tenant's log of id rules; the start of the first one is not recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[str, ...]
    since: AwareDatetime | None = None


class TenantIds(BaseModel):
    """How a tenant's ids are made; whatever else the file has of it is not read."""

    model_config = ConfigDict(frozen=True)

    id_fields: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="idempotency fields by event name, instead of the contract's",
    )
    id_rules: dict[str, tuple[IdRule, ...]] = Field(
        default_factory=dict, description="the history of id_fields; written by commands only"
    )


class TenantIdsFile(BaseModel):
    """The part of tenants.json that workers read: neither keys nor hashes of keys."""

    tenants: dict[str, TenantIds]


class Tenant(TenantIds):
    """One brand: its keys and how its items are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created_at: AwareDatetime
    disabled: bool = False
    coerce_ids: bool = Field(
        default=False, description="accept numbers where the contract says string"
    )
    keys: tuple[StoredKey, ...] = ()


class TenantsFile(BaseModel):
    """The whole of tenants.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    tenants: dict[TenantName, Tenant] = Field(default_factory=dict)
