"""Replay of dead letters: checked first, corrected, sent by API or Kafka at a bounded rate."""
