-- The ledger's key gets the topic's incarnation, so that ranges of a topic that was recreated do not
-- take the place of those of the one before. The append time does the same for rows without one.
--
-- The key of a table cannot be changed, so the table is replaced by one with the same rows: the
-- engine fills it first and swaps the two in one step, so a run that dies in between leaves the old
-- one and is repeated. No worker may write meanwhile.

-- step: columns
ALTER TABLE fasttrack_store.ledger /*on cluster*/
    ADD COLUMN IF NOT EXISTS incarnation LowCardinality(String) AFTER partition,
    ADD COLUMN IF NOT EXISTS moved Int64 DEFAULT 0 AFTER rejected;

-- step: table
CREATE OR REPLACE TABLE fasttrack_store.ledger /*on cluster*/
(
    topic LowCardinality(String)
        COMMENT 'Kafka topic',
    partition Int32
        COMMENT 'Kafka partition',
    incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic; empty if not known',
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
    moved Int64 DEFAULT 0
        COMMENT 'Records sent on to the partition that their id belongs to, where they count',
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
ORDER BY (topic, partition, first, last, generation, incarnation, last_appended_at)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'What became of every offset: one row per range a worker finished'
AS SELECT
    topic, partition, incarnation, first, last, stored, duplicates, conflicts, rejected, moved,
    generation, token, worker, first_appended_at, last_appended_at, written_at
FROM fasttrack_store.ledger;
