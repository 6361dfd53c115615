"""Fuzzing: 100,000 odd requests that must not make an ingest API crash, fail, or grow."""
