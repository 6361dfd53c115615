"""Baselines: the same work with other tools, one small program each, as its guide teaches it."""
