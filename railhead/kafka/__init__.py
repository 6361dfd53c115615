"""Apache Kafka on this machine: its pinned jars, its settings, its topics."""
