"""Checks the file of the tenants' keys and its pepper."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from tenants.id_rules import read_rules
from tenants.tenants import TenantsFile
from tenants.tenants_file import TenantsFileError, pepper_path, read_pepper, read_tenants

RESTORE = "Restore it from the backup; until then the last good keys and rules are in force."


def tenants(path: Path) -> DoctorFinding:
    """Look at the file of the tenants' keys at *path* and at its pepper."""
    if not path.exists() and pepper_path(path).exists():
        says = f"{path} is missing, although it existed before"
        return fail("tenants", says, "Workers do not start without it: restore it.")
    if not path.exists():
        return warn(
            "tenants", f"no {path}", "No client can send: `railhead tenant add NAME --create`."
        )
    try:
        read_rules(path)
        file, pepper = read_tenants(path), read_pepper(path)
    except (OSError, TenantsFileError) as error:
        return fail("tenants", str(error), RESTORE)
    keys = any(tenant.keys for tenant in file.tenants.values())
    if keys and not pepper:
        return fail("tenants", f"{pepper_path(path)} is missing: no key is valid", RESTORE)
    open_to_others = [
        one.name
        for one in (path, pepper_path(path))
        if one.exists() and stat.S_IMODE(one.stat().st_mode) & 0o077
    ]
    if open_to_others:
        says = f"others may read {', '.join(open_to_others)}"
        return warn("tenants", says, f"Close them: chmod 600 {path.parent}/tenants.*")
    return _who_may_send(path, file)


def _who_may_send(path: Path, file: TenantsFile) -> DoctorFinding:
    now = dt.datetime.now(dt.UTC)
    active = [
        name
        for name, tenant in file.tenants.items()
        if not tenant.disabled and any(key.state(now) == "active" for key in tenant.keys)
    ]
    says = f"{path}, {len(active)} of {len(file.tenants)} tenants have a valid key"
    if not active:
        return warn("tenants", says, "No client can send: `railhead tenant add NAME`.")
    return ok("tenants", says)
