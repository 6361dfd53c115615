"""The addresses of the parts to check and the credentials: options, else the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from railhead.kafka.topics import TopicSettings
from sinks.settings import StoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Addresses and state of one installation; `settings` and `topics` are None if not valid."""

    data_dir: Path
    api_url: str
    bootstrap: str
    settings: StoreSettings | None
    topics: TopicSettings | None
