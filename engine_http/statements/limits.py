"""The settings that an analyst may change, and how far.

The engine itself pins every other setting, at any depth of a statement. Deliberately left out:
settings that name files or addresses, contain expressions, change the dialect, or switch off a
check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MAX_EXECUTION_SECONDS = 60
MAX_RESULT_ROWS = 10_000_000
# A trial may use this part of an analyst's memory.
TRIAL_SHARE = 8

_ADJUSTABLE = frozenset(
    {
        # how values are read from parameters and shown
        "bool_false_representation", "bool_true_representation",
        "cast_string_to_dynamic_use_inference", "date_time_input_format", "date_time_output_format",
        "extremes", "format_csv_delimiter", "format_csv_null_representation",
        "format_tsv_null_representation", "session_timezone", "totals_mode",
        # what a query means
        "aggregate_functions_null_for_empty", "cast_keep_nullable", "count_distinct_implementation",
        "distinct_overflow_mode", "except_default_mode", "final", "group_by_overflow_mode",
        "group_by_use_nulls", "intersect_default_mode", "join_algorithm", "join_any_take_last_row",
        "join_overflow_mode", "join_use_nulls", "limit", "max_bytes_in_distinct",
        "max_bytes_in_join", "max_bytes_to_read", "max_result_bytes", "max_rows_in_distinct",
        "max_rows_in_join", "max_rows_to_group_by", "max_rows_to_read", "max_rows_to_sort",
        "offset", "prefer_column_name_to_alias", "read_overflow_mode",
        "result_overflow_mode", "sort_overflow_mode", "timeout_overflow_mode",
        "transform_null_in", "union_default_mode",
        # what clients send to control the HTTP interface; harmless here
        "async_insert", "cancel_http_readonly_queries_on_client_close", "connect_timeout",
        "enable_http_compression", "http_headers_progress_interval_ms",
        "http_native_compression_disable_checksumming_on_decompress",
        "http_receive_timeout", "http_send_timeout", "http_write_exception_in_output_format",
        "http_zlib_compression_level", "log_queries", "max_block_size", "priority",
        "receive_timeout", "send_progress_in_http_headers", "send_timeout", "wait_for_async_insert",
        # what clients send for their writes, with their first request; analysts have none
        "alter_sync", "distributed_foreground_insert", "insert_distributed_sync",
        "lightweight_deletes_sync", "mutations_sync", "replication_alter_partitions_sync",
    }
)  # fmt: skip
_ADJUSTABLE_FAMILY = re.compile(r"output_format_(?!schema|avro_|arrow_use_native_writer)\w+\Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement of an analyst may use, and the engine's profile that enforces it."""

    memory_bytes: int
    threads: int
    profile: str = "analyst"
    execution_seconds: int = MAX_EXECUTION_SECONDS
    result_rows: int = MAX_RESULT_ROWS

    def capped(self) -> dict[str, int]:
        """The settings an analyst may lower but not raise or switch off, and their maxima."""
        return {
            "max_execution_time": self.execution_seconds,
            "max_memory_usage": self.memory_bytes,
            "max_result_rows": self.result_rows,
            "max_threads": self.threads,
        }

    def for_trial(self) -> Limits:
        """What it may use during its trial, while long statements run."""
        return replace(self, memory_bytes=self.memory_bytes // TRIAL_SHARE, profile="analyst_trial")

    def may_set(self, name: str) -> bool:
        """Whether an analyst may give setting *name* a value at all."""
        return may_adjust(name) or name in self.capped() or name == "readonly"

    def settings(self) -> dict[str, str]:
        """The settings an analyst's statement starts with; large sorts and groups use the disk."""
        spill = str(self.memory_bytes // 2)
        return {
            **{name: str(maximum) for name, maximum in self.capped().items()},
            "max_bytes_before_external_group_by": spill,
            "max_bytes_before_external_sort": spill,
        }


def may_adjust(name: str) -> bool:
    """Whether an analyst may give setting *name* any value."""
    return name in _ADJUSTABLE or _ADJUSTABLE_FAMILY.match(name) is not None
