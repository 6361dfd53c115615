"""`python -m tests.system.mutants.command`: `railhead`, broken as `RAILHEAD_MUTANT` says.

For tests whose subject is a process of its own.
"""

from __future__ import annotations

import os
import sys

from railhead.cli.main import main
from tests.system.mutants.run import VARIABLE
from tests.system.mutants.table import BY_NAME

if __name__ == "__main__":
    BY_NAME[os.environ[VARIABLE]].apply()
    sys.exit(main())
