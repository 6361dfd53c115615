"""Judging: the outcome of each record of a fetched batch and the rows to write, without I/O."""
