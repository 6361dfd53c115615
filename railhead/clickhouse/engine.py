"""Who owns the data directory? One engine in this process, and the connections to it.

The engine allows one process per directory; a lock file of ours says so in clear words before the
engine is even loaded. A connection runs one statement at a time; threads never share one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from railhead.clickhouse import config
from railhead.clickhouse.errors import from_engine

# What differs between the embedded engine's defaults and a server's.
_LIKE_A_SERVER = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "default_normal_view_sql_security": "DEFINER",
    "default_view_definer": "default",
}


class DirectoryInUseError(RuntimeError):
    """Another process owns the data directory."""


class Engine:
    """The engine on one data directory, open from construction to `close`."""

    def __init__(self, settings: config.EngineSettings) -> None:
        """Lock the directory and start the engine.

        Raises DirectoryInUseError when another process holds the directory.
        """
        directory = settings.data_dir
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._lock = _lock(directory / "lock")
        self._target = f"{directory}?config-file={config.write(settings)}"
        self._keeper = self._connect()
        self.version = self._keeper.query("SELECT version()", "TSV").bytes().decode().strip()
        self.timezone = self._keeper.query("SELECT timezone()", "TSV").bytes().decode().strip()

    def _connect(self) -> Any:
        # Imported here: loading the engine takes half a gigabyte of address space and starts
        # threads, and only its owner may pay that.
        from chdb import _chdb  # noqa: PLC0415

        return _chdb.connect(self._target)

    def connection(self) -> Connection:
        """Open a connection of its own session."""
        return Connection(self._connect())

    def close(self) -> None:
        """Stop the engine; every other connection must be closed by now."""
        self._keeper.close()
        self._lock.close()


class Connection:
    """One session of the engine. Not for two threads at once."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._database = "default"
        self.set(_LIKE_A_SERVER)

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings of the session; an unknown one raises ClickHouseError 115."""
        if settings:
            self.run("SET " + assignments(settings))

    def run(
        self,
        sql: str | bytes,
        *,
        output_format: str = "TSV",
        parameters: dict[str, str] | None = None,
    ) -> Any:
        """Run one statement and return the engine's result object."""
        try:
            return self._raw.query(sql, output_format, params=parameters or {})
        except RuntimeError as error:
            raise from_engine(str(error)) from None

    def insert(self, head: str | bytes, rows_format: str, data: bytes) -> Any:
        """Store *data* by the INSERT *head* names; the bytes are never read as SQL."""
        try:
            stream = self._raw.send_insert(head, rows_format)
            try:
                if data:
                    self._raw.insert_append(stream, data)
            except RuntimeError:
                pass  # insert_done tells the reason
            return self._raw.insert_done(stream)
        except RuntimeError as error:
            raise from_engine(str(error)) from None

    def enter(self, *, role: str, database: str) -> None:
        """Take *role* and nothing else, and make *database* the current one."""
        self.run(f"SET ROLE {role}")
        self.use(database)

    def use(self, database: str) -> None:
        """Make *database* the current one; an unknown one raises ClickHouseError 81."""
        if database != self._database:
            self.run(f"USE {quoted(database)}")
            self._database = database

    def classify(self, sql: bytes) -> tuple[str, int]:
        """Ask the engine's parser what *sql* would do: its class and its number of statements."""
        answer = self._raw.classify_query(sql)
        return answer["query_class"].name, answer["statement_count"]

    def close(self) -> None:
        """End the session and drop its temporary tables."""
        self._raw.close()


def assignments(settings: Mapping[str, str]) -> str:
    """Write settings as `name = 'value', …` for SET or SETTINGS; names must be checked already."""
    return ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())


def literal(text: str) -> str:
    """Write *text* as an SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(name: str) -> str:
    """Write *name* as an SQL identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


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
