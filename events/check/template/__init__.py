"""The template check: recognises records that are written like one that was valid."""
