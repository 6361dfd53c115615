"""Tenants: the schema of tenants.json, its readers and writers, keys and id rules."""
