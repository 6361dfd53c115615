"""What would others write for the same work? One small program each, as its guide teaches it."""
