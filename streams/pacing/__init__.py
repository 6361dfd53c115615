"""Pacing: memory limit, rate meter, reject spikes and throttling of a worker."""
