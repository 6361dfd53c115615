"""HTTP around the bulk handler: routes, connections, replies, health and documentation."""
