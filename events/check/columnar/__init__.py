"""The columnar check: decides many items at once and only where it is certain."""
