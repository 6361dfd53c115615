"""The traffic of the demo: an evening at a casino as items of a client."""
