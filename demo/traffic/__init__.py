"""The traffic of the demo: an evening at a casino as a client's items."""
