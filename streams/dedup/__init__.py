"""Was this id seen before, and where? The memory of ids: a Faust table and its look-up index."""
