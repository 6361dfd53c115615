"""Checks the file of the tenants' keys and its pepper."""

from __future__ import annotations

import stat
from pathlib import Path

from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.paths import tenants_file
from tenants.id_rules import read_rules
from tenants.tenants_file import TenantsFileError


def tenants(data_dir: Path) -> DoctorFinding:
    """Look at the file of the tenants' keys and at its pepper."""
    path = tenants_file(data_dir)
    if not path.exists() and path.with_suffix(".pepper").exists():
        says = f"{path} is missing, although it existed before"
        return fail("tenants", says, "Workers do not start without it: restore it.")
    if not path.exists():
        return warn(
            "tenants", f"no {path}", "No client can send: `railhead tenant add NAME --create`."
        )
    try:
        read_rules(path)
    except TenantsFileError as error:
        return fail("tenants", str(error), "Restore it; until then the last good rules hold.")
    open_to_others = [
        file.name
        for file in (path, path.with_suffix(".pepper"))
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    ]
    if open_to_others:
        says = f"others may read {', '.join(open_to_others)}"
        return warn("tenants", says, f"Close them: chmod 600 {path.parent}/tenants.*")
    return ok("tenants", str(path))
