"""The one engine of this process, which owns the data directory.

The engine allows one process per directory; our lock file gives a clear error before the engine
touches anything. No data is kept in a temporary directory.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import closing
from pathlib import Path
from typing import IO, Any, cast

from engine_http.engine import catalog, config
from engine_http.engine.connection import EngineConnection
from engine_http.engine.disk import end_if_a_write_failed


class DirectoryInUseError(RuntimeError):
    """Another process owns the data directory."""


class Engine:
    """The engine on one data directory, open from construction to `close`."""

    def __init__(self, settings: config.EngineSettings) -> None:
        """Lock the directory and start the engine.

        Raises DirectoryInUseError when another process holds the directory, ValueError for a path
        the engine would misread.
        """
        directory = settings.data_dir
        if {"?", "&"} & set(str(directory)):
            raise ValueError(f"The path {directory} must not contain ? or &")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._lock = _lock(directory / "lock")
        # The engine takes the host's zone when it is loaded; times mean the same on every host.
        os.environ["TZ"] = "UTC"
        self.limits = settings.analyst_limits
        self._target = f"{directory}?config-file={config.write(settings, _setting_names())}"
        self._directory = directory
        self.spool_directory = directory / "bodies"
        self.spool_directory.mkdir(mode=0o700, exist_ok=True)
        # The engine lives as long as a connection does: this one is never used for statements.
        self._keeper = _connect(self._target)
        with closing(self.connect()) as connection:
            self.version, self.timezone = connection.rows("SELECT version(), timezone()")[0].split(
                "\t"
            )
            self.catalog = _catalog(connection)

    def connect(self) -> EngineConnection:
        """Open a new session."""
        return EngineConnection(_connect(self._target))

    def end_if_a_write_failed(self, connection: EngineConnection) -> None:
        """Return if all that the engine wrote is on the disk; end the process otherwise."""
        end_if_a_write_failed(connection, self._directory)

    def close(self) -> None:
        """Stop the engine; every other connection must be closed before."""
        self._keeper.close()
        self._lock.close()


def _connect(target: str) -> Any:
    # Imported here: loading the engine takes half a gigabyte of address space and starts threads;
    # only the process that owns the engine should pay for that.
    from chdb import _chdb  # noqa: PLC0415

    return cast("Any", _chdb).connect(target)


def _setting_names() -> list[str]:
    """Every setting of this engine, read from an empty engine in memory before the real one starts.

    Limits are written into the configuration, and the configuration is read once, at the start.
    """
    with closing(EngineConnection(_connect(":memory:"))) as connection:
        return connection.rows("SELECT name FROM system.settings")


def _catalog(connection: EngineConnection) -> catalog.Catalog:
    functions = (line.split("\t") for line in connection.rows(catalog.FUNCTIONS_SQL))
    return catalog.build(
        ((name, category, aggregate == "1") for name, category, aggregate in functions),
        connection.rows(catalog.COMBINATORS_SQL),
        connection.rows(catalog.TABLE_FUNCTIONS_SQL),
    )


def _lock(path: Path) -> IO[str]:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = file.read(32).strip()
        file.close()
        raise DirectoryInUseError(
            f"{path.parent} is in use by another process{f' ({owner})' if owner else ''}"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
