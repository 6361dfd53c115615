-- The key of conflicts gets the topic's incarnation, so that a conflict in a topic that was recreated
-- does not take the place of an earlier one. The append time does the same for rows without one.
--
-- The key of a table cannot be changed, so the table is replaced by one with the same rows: the
-- engine fills it first and swaps the two in one step, so a run that dies in between leaves the old
-- one and is repeated. No worker may write meanwhile.

-- step: columns
ALTER TABLE fasttrack_store.conflicts /*on cluster*/
    ADD COLUMN IF NOT EXISTS incarnation LowCardinality(String) AFTER topic,
    ADD COLUMN IF NOT EXISTS first_incarnation LowCardinality(String) AFTER first_offset;

-- step: table
CREATE OR REPLACE TABLE fasttrack_store.conflicts /*on cluster*/
(
    tenant LowCardinality(String)
        COMMENT 'Casino brand the record belongs to',
    event LowCardinality(String)
        COMMENT 'Event type, such as realtime-payment',
    id String
        COMMENT 'Idempotency id that was seen before',
    topic LowCardinality(String)
        COMMENT 'Kafka topic of the later record',
    incarnation LowCardinality(String)
        COMMENT 'Id of that topic; empty if not known',
    partition Int32
        COMMENT 'Kafka partition of the later record',
    offset Int64
        COMMENT 'Kafka offset of the later record',
    first_partition Int32 DEFAULT partition
        COMMENT 'Kafka partition of the record that counted',
    first_offset Int64
        COMMENT 'Kafka offset of the record that counted',
    first_incarnation LowCardinality(String) DEFAULT incarnation
        COMMENT 'Id of the topic that the record that counted was in; empty if not known',
    raw String
        COMMENT 'The later record as it was sent',
    request_id String
        COMMENT 'HTTP request or producer batch that brought the later record',
    received_at DateTime64(3, 'UTC')
        COMMENT 'When Railhead received the later record, in UTC',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
        COMMENT 'When the row was stored, in UTC',
    _appended_at DateTime64(3, 'UTC')
        COMMENT 'When the broker appended the later record, by its clock, in UTC'
)
ENGINE = /*replicated*/ReplacingMergeTree
PARTITION BY toYYYYMM(_appended_at)
ORDER BY (topic, partition, incarnation, offset, _appended_at)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Same id, different content: the later records, whole'
AS SELECT
    tenant, event, id, topic, incarnation, partition, offset, first_partition, first_offset,
    first_incarnation, raw, request_id, received_at, stored_at, _appended_at
FROM fasttrack_store.conflicts;
