"""Record-level proof: Kafka's records held against rows and ledger."""
