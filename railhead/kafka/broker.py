"""The files of the one-machine broker, and the commands that format its storage and start it.

    DIRECTORY/server.properties, log4j2.properties   written before each start
    DIRECTORY/data                                   Kafka's own, formatted once
    DIRECTORY/tmp                                    native libraries, emptied before each start

`data` appears by a rename after formatting ended well, so a crash in between formats again.
"""

from __future__ import annotations

import base64
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from railhead.kafka.java import Java
from railhead.kafka.settings import LOG_SETTINGS, server_properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A single Kafka node whose state lives in *directory* (an absolute path)."""

    directory: Path
    java: Java
    class_path: str
    fsync: bool = False

    @property
    def data(self) -> Path:
        """Where Kafka keeps topics and metadata."""
        return self.directory / "data"

    @property
    def unfinished(self) -> Path:
        """Where formatting happens before it is known to be whole."""
        return self.directory / "data.new"

    def is_formatted(self) -> bool:
        """Whether the data directory was formatted, in this start or an earlier one."""
        return (self.data / "meta.properties").exists()

    def prepare_format(self) -> list[str]:
        """Clear the way and return the command that formats the storage."""
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = self.directory / "format.properties"
        # Ports play no part in formatting, but the tool wants them to be named.
        settings.write_text(
            server_properties(port=1, controller_port=2, data=self.unfinished, fsync=False)
        )
        self._log_settings.write_text(LOG_SETTINGS)
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", new_cluster_id()]
        return [*self._java("-Xmx256m"), *tool, "--config", str(settings)]

    def finish_format(self) -> None:
        """Make the formatted storage the data directory."""
        self.unfinished.rename(self.data)
        (self.directory / "format.properties").unlink()

    def prepare_start(self, *, port: int, controller_port: int) -> list[str]:
        """Write the settings and return the command that runs the broker until it is ended."""
        settings = self.directory / "server.properties"
        settings.write_text(
            server_properties(
                port=port, controller_port=controller_port, data=self.data, fsync=self.fsync
            )
        )
        self._log_settings.write_text(LOG_SETTINGS)
        # The compression libraries unpack themselves here and stay behind after kill -9.
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        heap = ("-Xms256m", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError")
        return [*self._java(*heap), "kafka.Kafka", str(settings)]

    @property
    def _temporary(self) -> Path:
        return self.directory / "tmp"

    @property
    def _log_settings(self) -> Path:
        return self.directory / "log4j2.properties"

    def _java(self, *heap: str) -> list[str]:
        return [
            self.java.executable,
            *self.java.options(),
            *heap,
            f"-XX:ErrorFile={self.directory}/crash-%p.log",
            f"-Djava.io.tmpdir={self._temporary}",
            f"-Dlog4j2.configurationFile={self._log_settings}",
            "-cp",
            self.class_path,
        ]


def new_cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes in base64 for URLs, without padding.

    The first bit is 0, so that it never begins with a dash: the tool would take it for an option.
    """
    random = uuid.uuid4().bytes
    bits = bytes([random[0] & 0x7F]) + random[1:]
    return base64.urlsafe_b64encode(bits).decode("ascii").rstrip("=")
