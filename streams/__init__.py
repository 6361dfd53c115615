"""The middle: topics in, first sightings out (Faust)."""
