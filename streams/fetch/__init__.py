"""Fetched record batches, opened in bounded pieces and turned into columns."""
