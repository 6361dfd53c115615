"""Everything on one machine, supervised: Kafka, ClickHouse, ingest APIs, workers."""
