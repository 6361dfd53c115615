"""Does anything that can be sent to a door make it fall, fail, or grow? 100,000 odd requests."""
