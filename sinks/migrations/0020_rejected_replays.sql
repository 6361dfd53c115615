-- Replays: which rejected items were sent again by `railhead rejected replay`, and the result.
--
-- A row of its own for each replay of an item: the item's row in `rejected` stays as it was. Written
-- after the item was sent, so a replay that died in between is sent again, which its id makes harmless.

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.rejected_replays /*on cluster*/
(
    tenant LowCardinality(String)
        COMMENT 'Casino brand that sent the item',
    letter_partition Int32
        COMMENT 'Partition of the report in fasttrack.rejected',
    letter_offset Int64
        COMMENT 'Offset of the report in fasttrack.rejected',
    letter_appended_at DateTime64(3, 'UTC')
        COMMENT 'When the broker appended the report, by its clock, in UTC',
    replay String
        COMMENT 'The run of railhead rejected replay',
    replayed_at DateTime64(3, 'UTC')
        COMMENT 'When the item was sent again, in UTC',
    via LowCardinality(String)
        COMMENT 'door or kafka',
    changes String
        COMMENT 'What was set in the item before, as field=value, one a line; empty if nothing',
    outcome LowCardinality(String)
        COMMENT 'sent: taken by the door or the topic; refused: it does not hold to the contract',
    reason LowCardinality(String)
        COMMENT 'Why it was refused again, as a code',
    field String
        COMMENT 'Path of the field at fault then',
    message String
        COMMENT 'Why it was refused again, for people'
)
ENGINE = /*replicated*/ReplacingMergeTree
ORDER BY (letter_partition, letter_offset, letter_appended_at, replay)
SETTINGS
    default_compression_codec = 'ZSTD(1)',
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Rejected items that were sent again, and what came of it';
