"""Ends the process once a write to the disk has failed: from then on no acknowledgement is safe.

The embedded engine counts a write that the system refused (a full disk, a broken one) and goes on
as if it had been made: it acknowledges inserts whose files are empty and replaces good parts by a
merge that is not there (chdb-core 26.9). Two things keep that from losing anything:

- Space is kept free (`keep_free_space_bytes`), so that inserts and merges are refused in good time,
  with code 243, when the disk fills up slowly.
- The count is read before an insert is acknowledged, and regularly. Once it is not zero, the
  process ends at once without acknowledging anything more. At the next start the engine sets broken
  parts aside and takes the parts that a broken merge was made of, which it keeps for minutes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from engine_http import log
from engine_http.engine.connection import EngineConnection

KEEP_FREE_BYTES: Final = 64 << 20
FAILED_EXIT_CODE: Final = 3
_FAILED_WRITES: Final = (
    "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
)
_TOKENS: Final = "store/*/*/deduplication_logs"


def end_if_a_write_failed(connection: EngineConnection, data_dir: Path) -> None:
    """Return if every write so far succeeded; end the process otherwise.

    Before that the tokens of inserts are deleted: the engine notes them before the rows are stored,
    and a repeated insert must not be taken for one that was stored.
    """
    failed = connection.rows(_FAILED_WRITES)
    if not failed:
        return
    for tokens in data_dir.glob(_TOKENS):
        shutil.rmtree(tokens, ignore_errors=True)
    log.line("a write to the disk failed; the process ends", level="error", writes=int(failed[0]))
    # Not an exception: other running statements may hold rows that are not on the disk.
    os._exit(FAILED_EXIT_CODE)
