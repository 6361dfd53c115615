"""Every command that prints a table has `--json`."""

from __future__ import annotations

from tests.documents.command_lines import actions

# What prints no table, and what it prints.
WITHOUT = {
    "up": "its log", "serve": "its log", "worker": "its log", "clickhouse": "its log",
    "demo": "a report for people",
    "migrate": "the steps it applies", "send": "one line of counts",
    "tenant add": "a key", "tenant rotate": "a key", "tenant revoke": "nothing",
    "tenant id-fields": "sentences", "rejected export": "JSON or CSV",
}  # fmt: skip


def test_every_command_that_prints_a_table_prints_json_too() -> None:
    """A new command is named here, or has the option."""
    without = {name for name, parser in actions() if "--json" not in parser._option_string_actions}

    assert without == set(WITHOUT)
