"""The ingest API: takes FastTrack's batches over HTTP, checks each item, stores them in Kafka."""
