"""Supervision: starts the process of a part, watches it, and starts it again."""
