"""Publishing: records of a request to Kafka, durably, in partition order."""
