"""The contract: models, the one registry of event types, JSON schema, the item check."""
