"""Recovery: where a partition goes on after a restart, and what is missing in the store."""
