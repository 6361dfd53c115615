"""The item check: which items are valid, shared by the ingest API and the stream."""
