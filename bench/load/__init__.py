"""Load for measurements: generator, corpus, preloaded topics, probes, resource usage."""
