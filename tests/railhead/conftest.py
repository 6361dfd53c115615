"""The embedded engine, for the tests of commands that read it."""

from __future__ import annotations

from tests.sinks.conftest import clickhouse_url, settings

__all__ = ["clickhouse_url", "settings"]
