"""The command line, the one-machine stack and operators' tools: audit, dead letters, doctor."""
