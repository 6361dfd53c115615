-- Rejected: items and records the contract refuses, from the topic fasttrack.rejected.
--
-- The key is where the item came from (a request and a position in it, or a record's coordinate), so
-- an item reported twice is one row: the report appended first. -1 stands for null in the key only.

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.rejected /*on cluster*/
(
    tenant LowCardinality(String)
        COMMENT 'Casino brand that sent it; empty if unknown',
    event String
        COMMENT 'Event name as sent; empty if there was none',
    reason LowCardinality(String)
        COMMENT 'Why it was refused, as a code',
    field String
        COMMENT 'Path of the field at fault; empty if it is the whole item',
    message String
        COMMENT 'Why it was refused, for people',
    raw String
        COMMENT 'The item as it was sent',
    request_id String
        COMMENT 'HTTP request or producer batch that brought it',
    position Nullable(Int64)
        COMMENT 'Position in its request, from 0; NULL for a record of a direct producer',
    topic LowCardinality(String)
        COMMENT 'Kafka topic of a refused record; empty if refused at the door',
    partition Nullable(Int32)
        COMMENT 'Kafka partition of a refused record; NULL if refused at the door',
    offset Nullable(Int64)
        COMMENT 'Kafka offset of a refused record; NULL if refused at the door',
    received_at DateTime64(3, 'UTC')
        COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
        COMMENT 'When the row was stored, in UTC',
    _topic LowCardinality(String)
        COMMENT 'fasttrack.rejected',
    _partition Int32
        COMMENT 'Partition of the report in fasttrack.rejected',
    _offset Int64
        COMMENT 'Offset of the report in fasttrack.rejected',
    _appended_at DateTime64(3, 'UTC')
        COMMENT 'When the broker appended the report, by its clock, in UTC',
    _version UInt64
        DEFAULT 18446744073709551615 - bitOr(
            bitShiftLeft(toUInt64(toUnixTimestamp64Milli(_appended_at)), 22),
            bitAnd(toUInt64(_offset), 4194303))
        COMMENT 'Largest for the report appended first, so that merges keep it',
    INDEX by_offset _offset TYPE minmax GRANULARITY 64
)
ENGINE = /*replicated*/ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(_appended_at)
ORDER BY (
    tenant, request_id, ifNull(position, -1),
    topic, ifNull(partition, -1), ifNull(offset, -1))
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Items and records the contract refuses, with the reason';
