"""The doctor's checks of what runs: Kafka, ClickHouse, ingest API, the processes of a stack."""
