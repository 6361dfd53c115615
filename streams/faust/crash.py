"""How does a worker end when it met something unexpected? At once, before Faust can acknowledge."""

from __future__ import annotations

import logging
import os
from typing import NoReturn

logger = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h: the supervisor starts the worker again.
FATAL_EXIT = 70


def die(what: str) -> NoReturn:
    """Log the exception in work and end the process; nothing of it is committed (pitfall A1)."""
    logger.critical("Unexpected error in %s; the process ends.", what, exc_info=True)  # noqa: LOG014
    logging.shutdown()
    os._exit(FATAL_EXIT)
