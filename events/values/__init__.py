"""Values: each rule by which one JSON text becomes one value, or a hash of its content."""
