"""The door: HTTP in, Kafka out."""
