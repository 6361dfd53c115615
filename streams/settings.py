"""The settings of a worker, read once from the environment; a wrong one prevents the start."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """Settings of `railhead worker`, each from `RAILHEAD_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="RAILHEAD_", frozen=True, extra="ignore")

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Brokers, host:port, comma separated."
    )
    group: str = Field(
        default="railhead",
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="Consumer group, Faust app id and prefix of the changelog topics.",
    )
    group_instance_id: str | None = Field(
        default=None,
        description="Static group membership (KIP-345); unset: a worker that leaves is replaced "
        "at once, one that dies after the session time-out.",
    )
    dedupe_window_hours: float = Field(
        default=168.0, gt=0, description="How long an id is remembered, by the broker's clock."
    )
    tenants_file: Path | None = Field(
        default=None, description="File with the tenants' id rules; unset: the contract's ids."
    )
    reject_unknown_tenants: bool = Field(
        default=False,
        description="Reject records whose tenant is not in the tenants file, as a direct "
        "producer's typing error would make a new one.",
    )
    slice_max_records: int = Field(
        default=10_000, ge=1, description="Most records of one fetch handed on at once."
    )
    insert_max_rows: int = Field(
        default=50_000, ge=1, description="Most rows of one insert; less under light load."
    )
    insert_max_bytes: int = Field(
        default=8 * 2**20,
        ge=2**16,
        description="Most bytes of records behind one insert: so much is taken and judged while "
        "the one before is written, so it is a part of what may be taken and not yet stored.",
    )
    fetch_max_bytes: int = Field(
        default=2 * 2**20, ge=2**16, description="Most bytes of one fetch from one partition."
    )
    worker_max_pending_bytes: int = Field(
        default=32 * 2**20,
        ge=2**20,
        description="Most bytes of records taken and not yet stored, of all partitions together: "
        "what is stored in a second, at least 12 MiB, but never more than this. Past it a "
        "partition with more than a megabyte pauses fetching.",
    )
    insert_pause_share: float = Field(
        default=3.0,
        ge=0,
        description="A partition waits this many times its last insert's duration before the "
        "next one, so that inserts grow with the load on the store.",
    )
    insert_max_pause_seconds: float = Field(
        default=0.15,
        ge=0,
        description="Upper bound of that wait; 2.5 times as long after an insert of few rows, "
        "and under heavy load.",
    )
    session_timeout_seconds: float = Field(
        default=8.0, ge=6.0, description="A worker that is silent this long leaves the group."
    )
    heartbeat_seconds: float = Field(default=1.0, gt=0, description="Group heartbeat interval.")
    commit_interval_seconds: float = Field(
        default=1.0, gt=0, description="How often acknowledged offsets are committed."
    )
    changelog_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Deadline for a changelog record to be confirmed."
    )
    shutdown_seconds: float = Field(
        default=10.0, gt=0, description="Bound of an orderly stop; past it the process ends."
    )
    reject_flood_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="From a greater share of rejects on it is a reject spike.",
    )
    reject_flood_per_second: float = Field(
        default=500.0,
        gt=0,
        description="Rejects a second that pass in a reject spike.",
    )
    stuck_seconds: float = Field(
        default=60.0,
        gt=0,
        description="A worker that takes, stores or commits nothing this long although it could, "
        "or recovers without progress, ends and is started again.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address of /metrics and /health.")
    worker_metrics_port: int = Field(
        default=0, ge=0, description="Port of the worker's /metrics and /health; 0 is off."
    )
    data_dir: Path = Field(default=Path(".railhead"), description="Faust's local directory.")
