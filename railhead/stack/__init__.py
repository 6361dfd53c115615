"""Everything on one machine, supervised: Kafka, ClickHouse, doors, workers."""
