"""The dedup index: which ids were seen before, and where; a Faust table and its look-up index."""
