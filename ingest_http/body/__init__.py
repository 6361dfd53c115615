"""Request bodies: admission control, size limits, decompression, item counts."""
