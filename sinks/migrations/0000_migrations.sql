-- Where applied steps are noted. Run before every migration and noted nowhere itself.

-- step: database
CREATE DATABASE IF NOT EXISTS fasttrack_store /*on cluster*/
COMMENT 'Tables behind the views of fasttrack; not for analysts';

-- step: table
CREATE TABLE IF NOT EXISTS fasttrack_store.migrations /*on cluster*/
(
    step String
        COMMENT 'File and step, such as 0002_casino/table',
    checksum String
        COMMENT 'SHA-256 of the statement; an applied statement must not change',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
        COMMENT 'When it was applied, in UTC'
)
ENGINE = /*replicated*/ReplacingMergeTree
ORDER BY step
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Steps of sinks/migrations that were applied to this database';
