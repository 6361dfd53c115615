"""The audit: proves from ledger, rows and Kafka that every offset has exactly one outcome."""
