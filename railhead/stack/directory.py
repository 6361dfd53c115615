"""The layout of the data directory and its lock: one `up` at a time.

lock  ports.json  addresses.json  tenants.json  kafka/  clickhouse/  worker-N/
logs/NAME.log  run/NAME.pid
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from railhead.paths import tenants_file
from railhead.stack.addresses import ADDRESSES_FILE
from railhead.stack.settings import StackError

PRIVATE: Final = 0o700


class DataDirectory:
    """The layout of a data directory, and the lock on it while it is entered.

    The lock is the kernel's: it is released when the process ends, in whatever way.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        """One file for each part, and `up.log` for what the supervisor did."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """The pid files."""
        return self.root / "run"

    @property
    def ports(self) -> Path:
        """The ports that were chosen here, to choose them again."""
        return self.root / "ports.json"

    @property
    def addresses(self) -> Path:
        """Where the parts are reached; it is there only while all of them can be used."""
        return self.root / ADDRESSES_FILE

    @property
    def tenants(self) -> Path:
        """The tenants' hashed keys."""
        return tenants_file(self.root)

    def of(self, part: str) -> Path:
        """The state of *part*."""
        return self.root / part

    def log(self, part: str) -> Path:
        """The log of *part*."""
        return self.logs / f"{part}.log"

    def pid_file(self, part: str) -> Path:
        """Holds the process id of *part* while it runs."""
        return self.run / f"{part}.pid"

    def pid(self, part: str) -> int | None:
        """The process id of *part*, None while it is down."""
        try:
            return int(self.pid_file(part).read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def is_ours(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock is not None

    def acquire(self) -> None:
        """Create the directory (for its owner only) and take the lock.

        Raises:
            StackError: another `up` has it, or it cannot be created.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            for directory in (self.logs, self.run):
                directory.mkdir(exist_ok=True, mode=PRIVATE)
            self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            msg = f"cannot use {self.root} as a data directory: {exc.strerror}"
            raise StackError(msg) from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            self.release()
            msg = (
                f"{self.root} is in use by another `railhead up` (pid {owner or 'unknown'}); "
                "stop it or choose another --data-dir"
            )
            raise StackError(msg) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Release the lock; the file stays, as removing it would let two processes hold it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
