"""The command line and the one-machine stack: embedded Kafka, embedded ClickHouse, demo traffic."""
