"""The worker: reads topics with Faust and writes first occurrences to the store."""

from streams.faust.environment import forget_foreign_variables

# Done here, as no module of this package can be imported before it, and Faust is not yet.
forget_foreign_variables()
