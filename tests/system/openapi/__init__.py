"""Clients generated from /openapi.json, run against an ingest API."""
