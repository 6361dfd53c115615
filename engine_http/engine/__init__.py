"""The embedded engine: its directory, configuration, connections and errors."""
