"""Breaks of the promise, made on purpose, each of which a named test must catch."""
