"""Measurements of speed and cost, beside baselines, each on a temporary stack of its own."""
