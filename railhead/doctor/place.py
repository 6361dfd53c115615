"""Where are the parts to be looked for, and as whom? From options, else from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from railhead.kafka.topics import TopicSettings
from sinks.settings import StoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Addresses and state of one installation; `settings` and `topics` are None if not valid."""

    data_dir: Path
    door_url: str
    bootstrap: str
    settings: StoreSettings | None
    topics: TopicSettings | None


def door_url() -> str:
    """Return where the door listens by its settings, as it is reached from this machine."""
    host = os.environ.get("RAILHEAD_HTTP_HOST") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{host}:{os.environ.get('RAILHEAD_HTTP_PORT') or '8080'}"
