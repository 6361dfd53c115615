-- Two databases: `fasttrack` holds the views analysts read, `fasttrack_store` the tables behind.
--
-- How these files are read (sinks/steps.py): a line `-- step: NAME` opens a step, a step is one
-- statement. `/*on cluster*/` becomes ON CLUSTER and `/*replicated*/` becomes Replicated when
-- RAILHEAD_CLICKHOUSE_CLUSTER is set; as they stand the files run on a single server.
-- An applied file is never edited; a change is a new file with the next number.
--
-- The rules that all event tables share
--   * One row per (tenant, _id): ReplacingMergeTree over that key. Two rows of one id meet in a
--     merge, or in FINAL, which the views say; the row appended to Kafka first wins. Any insert may
--     therefore be repeated, by a zombie too, at the cost of work and never of a wrong number.
--   * _version is append time in milliseconds (42 bits, to the year 2109) above the low 22 bits of
--     the offset, subtracted from the largest UInt64: first appended is largest.
--   * Partitions are months of _appended_at. It is the broker's clock, so that an event dated 1900
--     or 2262 cannot open a partition of its own; the partition key gives each part a range of
--     _appended_at too, by which stored_offsets() passes over old parts.
--   * Rows lie in order of _id, so the contract's own id field rises along them too: the index by_id
--     finds one id by it. The index by_offset passes over blocks of old offsets.
--   * Deduplication windows are set because plain MergeTree's default is 0: the token of an insert
--     is remembered for 10,000 inserts, more than any retry lasts.
--   * fsync: the worker commits its Kafka offset after the insert, so a row lost in a power cut
--     would be lost for good. Measured: 0.1 to 0.2 microseconds of CPU a row at 50,000 rows an insert.
--   * Codecs: ZSTD(1) for all; T64 first for clocks and offsets, whose high bits never change within
--     a part, GCD before it for event times, which are mostly whole seconds or milliseconds.
--     Measured on casino rows: 101 bytes a row with LZ4, 55 so, for 10% more CPU.

-- step: fasttrack
CREATE DATABASE IF NOT EXISTS fasttrack /*on cluster*/
COMMENT 'FastTrack events for analysts: one row per idempotency id, exact amounts, times in UTC';
