"""The settings of the ClickHouse connection, read once from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AnyHttpUrl, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.arrow import Compression


class StoreSettings(BaseSettings):
    """Settings of all that uses ClickHouse, each from `RAILHEAD_CLICKHOUSE_` + its name."""

    model_config = SettingsConfigDict(
        env_prefix="RAILHEAD_CLICKHOUSE_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://127.0.0.1:8123"),
        description="ClickHouse's HTTP interface; https:// for TLS.",
    )
    user: str = Field(default="default", description="User of the worker and of migrations.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of that user.")
    password_file: Path | None = Field(
        default=None, description="File that holds the password; wins over the password itself."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate."
    )
    cluster: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = Field(
        default="",
        description="Cluster on which `railhead migrate` makes replicated tables; empty: none.",
    )
    compression: Compression = Field(
        default="none",
        description="Compression of inserts on the wire; none is cheapest on one machine.",
    )
    connect_timeout_seconds: PositiveFloat = Field(
        default=5.0, description="Deadline for a connection to be made."
    )
    insert_timeout_seconds: PositiveFloat = Field(
        default=30.0,
        description="Deadline of one insert; past it the outcome is unknown and the same insert is "
        "made again.",
    )
    query_timeout_seconds: PositiveFloat = Field(
        default=60.0, description="Deadline of one query of the worker."
    )
    connections: PositiveInt = Field(
        default=16, description="Connections a worker may have open at once."
    )

    def password_text(self) -> str:
        """The password, from its file if there is one (a trailing line end is not part of it).

        Raises:
            OSError: the file cannot be read.
        """
        if self.password_file is None:
            return self.password.get_secret_value()
        return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")


def read_settings(**given: Any) -> StoreSettings:
    """Settings from the environment; what is *given* and not None wins over it.

    Raises:
        ValueError: a setting is wrong; the message names each by its variable, never by its value.
    """
    try:
        return StoreSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        prefix = StoreSettings.model_config["env_prefix"]
        wrong = [
            f"{prefix}{'.'.join(map(str, detail['loc'])).upper()}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        ]
        raise ValueError("; ".join(wrong)) from None
