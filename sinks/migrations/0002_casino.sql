-- realtime-casino: bets and wins, sent as separate events
-- The rules that all event tables share are in 0001_databases.sql.

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.casino /*on cluster*/
(
    tenant LowCardinality(String)
        COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    _id String
        COMMENT 'Idempotency id within tenant and type',
    received_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1))
        COMMENT 'When Railhead received it, in UTC',
    request_id String
        COMMENT 'HTTP request or producer batch that brought it',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(T64, ZSTD(1))
        COMMENT 'When the row was stored, in UTC',
    user_id String
        COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') CODEC(GCD, T64, ZSTD(1))
        COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) CODEC(GCD, T64, ZSTD(1))
        COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) CODEC(GCD, T64, ZSTD(1))
        COMMENT 'When the operator processed it, in UTC, if told',
    unique_id String
        COMMENT 'Idempotency id of the event',
    game_id String
        COMMENT 'The game',
    round_id String
        COMMENT 'The game round the event belongs to',
    type LowCardinality(String)
        COMMENT 'bet takes the stake, win pays, rollbackbet gives a stake back, rollbackwin takes a win back, loss moves no money',
    amount Decimal(38, 18)
        COMMENT 'Amount moved, exact, in currency',
    currency LowCardinality(String)
        COMMENT 'ISO 4217 or crypto currency code of amount',
    bonus_wager_amount Decimal(38, 18)
        COMMENT 'Part of the stake paid from bonus money, in currency',
    _topic LowCardinality(String)
        COMMENT 'Kafka topic of the record',
    _partition Int32
        COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(T64, ZSTD(1))
        COMMENT 'Kafka offset of the record',
    _appended_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1))
        COMMENT 'When the broker appended the record, by its clock, in UTC',
    _version UInt64
        DEFAULT 18446744073709551615 - bitOr(
            bitShiftLeft(toUInt64(toUnixTimestamp64Milli(_appended_at)), 22),
            bitAnd(toUInt64(_offset), 4194303))
        COMMENT 'Largest for the record appended first, so that merges keep the first sighting',
    INDEX by_id unique_id TYPE minmax GRANULARITY 1,
    INDEX by_offset _offset TYPE minmax GRANULARITY 64
)
ENGINE = /*replicated*/ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(_appended_at)
ORDER BY (tenant, _id)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'realtime-casino: bets and wins, sent as separate events';
