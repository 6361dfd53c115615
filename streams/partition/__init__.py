"""The partition writer: the order in which one partition's outcomes are made durable."""
