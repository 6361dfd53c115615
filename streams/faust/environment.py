"""Removes from the environment what Faust and its libraries read while they are imported.

A worker is configured by `RAILHEAD_…` alone. Faust's settings come from `create_app`, which gives
Faust an empty environment to read. What it reads at import is removed here, before that: an event
loop, a debug mode, pure-Python classes, which are slow and acknowledge what they skip.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

PREFIXES: Final = ("FAUST_", "F_")
NAMES: Final = frozenset(
    {
        "NO_CYTHON",
        "AIOKAFKA_NO_EXTENSIONS",
        "DEVLOG",
        "TYPEXPR_DEBUG",
        "DJANGO_SETTINGS_MODULE",
        "GEVENT_LOOP",
    }
)


def forget_foreign_variables(environ: MutableMapping[str, str] = os.environ) -> None:
    """Drop from *environ* what Faust, mode and aiokafka read while they are imported."""
    for name in [name for name in environ if name in NAMES or name.startswith(PREFIXES)]:
        del environ[name]
