-- The ledger: one row per range of offsets a worker has finished, and what became of them.
--
-- A range is written after its rows are stored and before its offsets are committed. A new owner of
-- a partition reads the ranges at or past the committed offset and does not store them again.
--   * The key holds everything a repeated write repeats, so repeating one is harmless; a zombie's row
--     of an older generation has a key of its own and is hidden by the view fasttrack.ledger.
--   * Ranges of a partition lie in order of `first`, so `last` rises along the key: the index on it
--     leads a query for ranges at or past an offset to the end of the partition's rows.
--   * Partitions are months of the broker's append times: a repeat lands in the same one.

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.ledger /*on cluster*/
(
    topic LowCardinality(String)
        COMMENT 'Kafka topic',
    partition Int32
        COMMENT 'Kafka partition',
    first Int64 CODEC(Delta(8), ZSTD(1))
        COMMENT 'First offset of the range',
    last Int64 CODEC(Delta(8), ZSTD(1))
        COMMENT 'Last offset of the range, included',
    stored Int64
        COMMENT 'Records stored as rows',
    duplicates Int64
        COMMENT 'Records that repeat an id with the same content',
    conflicts Int64
        COMMENT 'Records that repeat an id with other content; kept in conflicts',
    rejected Int64
        COMMENT 'Records refused by the contract; kept in rejected',
    generation Int64
        COMMENT 'Generation of the consumer group the worker belonged to',
    token String
        COMMENT 'Deduplication token of the insert that stored the rows',
    worker LowCardinality(String)
        COMMENT 'Worker that wrote the row',
    first_appended_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
        COMMENT 'When the broker appended the earliest record of the range, in UTC',
    last_appended_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
        COMMENT 'When the broker appended the latest record of the range, in UTC',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
        COMMENT 'When the row was written, in UTC',
    INDEX by_last last TYPE minmax GRANULARITY 1
)
ENGINE = /*replicated*/ReplacingMergeTree
PARTITION BY toYYYYMM(last_appended_at)
ORDER BY (topic, partition, first, last, generation)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'What became of every offset: one row per range a worker finished';
