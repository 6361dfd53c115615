"""ClickHouse's engine in this process, spoken to over ClickHouse's own HTTP interface."""
