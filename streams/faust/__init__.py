"""Everything that replaces or extends Faust and aiokafka: transport, positions, topic ids."""
