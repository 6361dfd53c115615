"""A small disk that gets full: a tmpfs under a part's directory, and a file that fills it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

MIB = 1 << 20
FILLER = "filler"


class SmallDisk:
    """A tmpfs of *size_mib* on *directory*; only root can have one."""

    def __init__(self, directory: Path, size_mib: int) -> None:
        self.directory = directory
        self._size_mib = size_mib
        self.mounted = False

    def mount(self) -> bool:
        """Mount it; whether that was allowed."""
        if os.geteuid() != 0:
            return False
        self.directory.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size_mib}m,mode=700"
        command = ["mount", "-t", "tmpfs", "-o", options, "chaos", str(self.directory)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self.mounted

    def fill(self) -> None:
        """Leave no space."""
        chunk = bytes(MIB)
        with contextlib.suppress(OSError), (self.directory / FILLER).open("wb") as file:
            while True:
                file.write(chunk)
                file.flush()

    def free(self) -> None:
        """Free the space again."""
        (self.directory / FILLER).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Remove the disk with all that is on it."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.directory)], check=False)
            self.mounted = False
