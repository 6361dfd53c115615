"""Log lines: one JSON object each, on standard error; never a key, never a payload.

Many lines from one place of the code (bad keys, a broker that is gone) are thinned out: some each
second are kept, and the next one says how many were left out.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import defaultdict
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "left_out"}
LINES_PER_SECOND: Final = 20
# aiokafka logs ten times a second that a broker is gone; `KafkaLink` logs it once.
QUIETER: Final = {"aiokafka": logging.CRITICAL, "aiohttp.server": logging.ERROR}


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, then what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in PLAIN},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        left_out = getattr(record, "left_out", 0)
        if left_out:
            line["left_out"] = left_out
        # Escaped to ASCII: what a client sent cannot control the terminal of a reader.
        return json.dumps(line, default=str)


class Thinned(logging.Filter):
    """At most so many lines a second from one place of the code."""

    def __init__(self, lines_per_second: int = LINES_PER_SECOND) -> None:
        super().__init__()
        self._most = lines_per_second
        self._second: dict[tuple[str, int], int] = {}
        self._lines: defaultdict[tuple[str, int], int] = defaultdict(int)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the line through, or count it as left out."""
        source, second = (record.pathname, record.lineno), int(monotonic())
        if self._second.get(source) != second:
            record.left_out = max(0, self._lines[source] - self._most)
            self._second[source], self._lines[source] = second, 0
        self._lines[source] += 1
        return self._lines[source] <= self._most


def set_up_logging(level: str) -> None:
    """Send all logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Thinned())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level == "DEBUG":
        return
    for name, quiet_level in QUIETER.items():
        logging.getLogger(name).setLevel(quiet_level)
