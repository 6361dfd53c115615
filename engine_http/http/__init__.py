"""HTTP requests to the engine: URL, form, body, encodings, authentication."""
