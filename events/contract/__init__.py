"""The contract: models, the registry of event types, ids, reasons, JSON schema, examples."""
