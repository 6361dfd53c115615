-- Conflicts: a record whose id was seen before with other content. The first occurrence counts and
-- is in its event table; the later record is kept here whole, under its own coordinate.

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.conflicts /*on cluster*/
(
    tenant LowCardinality(String)
        COMMENT 'Casino brand the record belongs to',
    event LowCardinality(String)
        COMMENT 'Event type, such as realtime-payment',
    id String
        COMMENT 'Idempotency id that was seen before',
    topic LowCardinality(String)
        COMMENT 'Kafka topic of the later record',
    partition Int32
        COMMENT 'Kafka partition of the later record',
    offset Int64
        COMMENT 'Kafka offset of the later record',
    first_partition Int32 DEFAULT partition
        COMMENT 'Kafka partition of the record that counted',
    first_offset Int64
        COMMENT 'Kafka offset of the record that counted',
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
ORDER BY (topic, partition, offset)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Same id, different content: the later records, whole';
