"""`python -m tests.system.openapi`: generates clients from /openapi.json and runs them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.system.openapi.clients import Failed, try_clients


def main() -> int:
    """Run what is there; 1 if a generator complains or a client fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.openapi", description=__doc__)
    parser.add_argument(
        "--python", type=Path, required=True, help="the interpreter that has openapi-python-client"
    )
    # Not resolved: an environment's interpreter is a link out of it.
    python = Path.cwd() / parser.parse_args().python
    try:
        try_clients(python, say=lambda line: print(line, flush=True))  # noqa: T201 - a program
    except Failed as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program
        return 1
    return 0


sys.exit(main())
