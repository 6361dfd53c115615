"""The commands that run processes: `up`, `serve`, `worker`, `clickhouse`."""
