"""Breaks of the promise, made on purpose; a named test must catch each one."""
