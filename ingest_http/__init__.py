"""The door: FastTrack's batches in over HTTP, each item checked alone, durably out to Kafka."""
