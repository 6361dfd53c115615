"""Is everything in this file at the door now? Reads items, posts batches, retries until 204."""
