"""The store: everything that reads and writes ClickHouse."""
