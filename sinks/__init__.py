"""The end: rows in ClickHouse."""
