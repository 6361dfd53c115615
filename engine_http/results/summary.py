"""The counts of one statement, for X-ClickHouse-Summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one statement, as the engine reports them."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0

    def header(self, elapsed_seconds: float) -> str:
        """The value of X-ClickHouse-Summary; its numbers are strings."""
        return (
            f'{{"read_rows":"{self.read_rows}","read_bytes":"{self.read_bytes}",'
            f'"written_rows":"{self.written_rows}","written_bytes":"{self.written_bytes}",'
            f'"total_rows_to_read":"0","result_rows":"{self.result_rows}","result_bytes":"0",'
            f'"elapsed_ns":"{int(elapsed_seconds * 1e9)}"}}'
        )


def of(result: Any) -> Summary:
    """Read the counts from the engine's result object."""
    return Summary(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
    )
