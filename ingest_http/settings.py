"""The settings of the ingest API, read once from RAILHEAD_…; a wrong one stops the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class ApiSettings(BaseSettings):
    """The settings of one process; every field is `RAILHEAD_` plus its name in capitals.

    Nothing in it is secret: keys are in the tenants file, the pepper is beside it.
    """

    model_config = SettingsConfigDict(
        env_prefix="RAILHEAD_", frozen=True, extra="forbid", env_ignore_empty=True
    )

    http_host: str = Field("127.0.0.1", description="address the ingest API listens on")
    http_port: int = Field(
        8080, ge=0, le=65_535, description="port; several processes may share it"
    )
    metrics_host: str = Field("127.0.0.1", description="address of metrics_port")
    metrics_port: int | None = Field(
        None, ge=0, le=65_535, description="/metrics and health of this process; unset: http_port"
    )
    kafka_bootstrap: str = Field("127.0.0.1:9092", description="host:port, several by commas")
    kafka_compression: Literal["none", "gzip", "lz4", "zstd"] = Field(
        "none", description="of what the ingest API writes to Kafka; lz4 and zstd need cramjam"
    )
    kafka_batch_bytes: int = Field(
        900_000,
        ge=16_384,
        description="largest batch to one partition; the broker's limit is larger",
    )
    kafka_timeout_seconds: float = Field(
        8.0, gt=0, description="a batch not acknowledged in this time counts as not stored"
    )
    tenants_file: Path = Field(description="tenants.json; its pepper is tenants.pepper beside it")
    tenants_poll_seconds: float = Field(0.5, gt=0, description="how often that file is checked")
    request_deadline_seconds: float = Field(
        20.0, gt=0, description="from the headers to the answer; past it 408 or 510"
    )
    max_body_bytes: int = Field(
        32 * MIB, gt=0, description="of a request's body, as sent and again as decompressed"
    )
    max_items: int = Field(50_000, gt=0, description="items in one request")
    max_in_flight_bytes: int = Field(
        128 * MIB, gt=0, description="of bodies held at once by one process; past it 503"
    )
    max_connections: int = Field(
        5_000, gt=0, description="open connections of one process; more are closed at once"
    )
    keepalive_seconds: float = Field(75.0, gt=0, description="an idle connection is closed then")
    drain_grace_seconds: float = Field(
        0.5, ge=0, description="on SIGTERM, open connections may still send for this long"
    )
    drain_seconds: float = Field(
        25.0, gt=0, description="on SIGTERM, requests in flight may take this long to end"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="of the log on standard error"
    )

    def shown(self) -> dict[str, Any]:
        """The settings as they may be printed and logged."""
        return self.model_dump(mode="json")
