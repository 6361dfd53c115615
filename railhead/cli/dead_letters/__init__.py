"""The commands `rejected` and `conflicts`."""
