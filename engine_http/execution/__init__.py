"""Execution: worker pools, sessions, running statements and their cancellation."""
