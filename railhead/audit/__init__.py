"""The books: that every offset has exactly one fate, proved from the ledger, the rows and Kafka."""
