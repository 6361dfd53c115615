"""The middle: topics in, first sightings out (Faust)."""

from streams.faust.environment import forget_foreign_variables

# Whatever of this package is imported first, Faust is not imported yet.
forget_foreign_variables()
