"""Sends a file to the ingest API: reads items, posts batches, retries until they are taken."""
