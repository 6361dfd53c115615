-- The key of rejected becomes what we made ourselves: which refusal a report is about, as ingest API
-- and worker number them, or the report's own coordinate. Before, it was what a client had sent (a
-- request id and a position) or a coordinate without its incarnation, and items that shared it became
-- one row. Older rows get a hash of their old key and of the item: two items are never one row.
--
-- The key of a table cannot be changed, so the table is replaced by one with the same rows: the
-- engine fills it first and swaps the two in one step, so a run that dies in between leaves the old
-- one and is repeated. No worker may write meanwhile.

-- step: columns
ALTER TABLE fasttrack_store.rejected /*on cluster*/
    ADD COLUMN IF NOT EXISTS incarnation LowCardinality(String) AFTER topic,
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String) AFTER _topic,
    ADD COLUMN IF NOT EXISTS _report String DEFAULT lower(hex(sipHash128(
        request_id, ifNull(position, -1), toString(topic), ifNull(partition, -1),
        ifNull(offset, -1), raw))) AFTER stored_at;

-- step: table
CREATE OR REPLACE TABLE fasttrack_store.rejected /*on cluster*/
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
    incarnation LowCardinality(String)
        COMMENT 'Id of that topic; empty if refused at the door, or not known',
    partition Nullable(Int32)
        COMMENT 'Kafka partition of a refused record; NULL if refused at the door',
    offset Nullable(Int64)
        COMMENT 'Kafka offset of a refused record; NULL if refused at the door',
    received_at DateTime64(3, 'UTC')
        COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
        COMMENT 'When the row was stored, in UTC',
    _report String DEFAULT concat(
            _incarnation, ':', toString(_partition), ':', toString(_offset), ':',
            toString(toUnixTimestamp64Milli(_appended_at)))
        COMMENT 'Which refusal this reports; a refusal that was reported twice has one of it',
    _topic LowCardinality(String)
        COMMENT 'fasttrack.rejected',
    _incarnation LowCardinality(String)
        COMMENT 'Id of the topic fasttrack.rejected; empty if not known',
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
ORDER BY (tenant, _report)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Items and records the contract refuses, with the reason'
AS SELECT
    tenant, event, reason, field, message, raw, request_id, position, topic, incarnation, partition,
    offset, received_at, stored_at, _report, _topic, _incarnation, _partition, _offset,
    _appended_at, _version
FROM fasttrack_store.rejected;
