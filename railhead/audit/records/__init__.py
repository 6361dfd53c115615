"""Record-level proof: compares Kafka's records with rows and ledger."""
