"""Statements taken apart: kind, format, guard of analysts, exact arithmetic, limits."""
