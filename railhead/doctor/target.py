"""The addresses of the parts to check and the credentials: options, else the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from railhead.doctor.advice import Advisor
from railhead.kafka.topics import TopicSettings
from railhead.stack.addresses import Address, StackRecord
from sinks.settings import StoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Addresses and state of one installation; `settings` and `topics` are None if not valid."""

    data_dir: Path
    tenants_file: Path
    record: StackRecord
    advisor: Advisor
    api: Address
    kafka: Address
    clickhouse: Address
    settings: StoreSettings | None
    topics: TopicSettings | None

    @property
    def api_url(self) -> str:
        """The base address of the ingest API."""
        return self.api.value.rstrip("/")

    @property
    def bootstrap(self) -> str:
        """HOST:PORT of a broker."""
        return self.kafka.value
