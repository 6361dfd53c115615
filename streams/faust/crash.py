"""Ends a worker that met something unexpected, before Faust can acknowledge anything."""

from __future__ import annotations

import logging
import os
from typing import NoReturn

logger = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h: the supervisor starts the worker again.
FATAL_EXIT = 70


def die(what: str) -> NoReturn:
    """Log the current exception and end the process; it commits nothing (pitfalls.md#a1)."""
    logger.critical("Unexpected error in %s; the process ends.", what, exc_info=True)  # noqa: LOG014
    end_process()


def end_process() -> NoReturn:
    """End the process at once, its log written; the supervisor starts it again."""
    logging.shutdown()
    os._exit(FATAL_EXIT)
