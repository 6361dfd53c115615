"""The default directory of Railhead's state and the file of tenants; defined here only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TENANTS_FILE: Final = "tenants.json"


def default_data_dir() -> Path:
    """`RAILHEAD_DATA_DIR`, else `.railhead` in the working directory; not created here."""
    return Path(os.environ.get("RAILHEAD_DATA_DIR") or ".railhead")


def tenants_file(data_dir: Path | None) -> Path:
    """The tenants file of *data_dir*; without one `RAILHEAD_TENANTS_FILE`, else the default's."""
    if data_dir is None and os.environ.get("RAILHEAD_TENANTS_FILE"):
        return Path(os.environ["RAILHEAD_TENANTS_FILE"])
    return (data_dir or default_data_dir()) / TENANTS_FILE
