-- Records on another partition than their id's are sent on to that one: an outcome of its own.

-- step: ledger
ALTER TABLE fasttrack_store.ledger /*on cluster*/
    ADD COLUMN IF NOT EXISTS moved Int64 DEFAULT 0
        COMMENT 'Records sent on to the partition that their id belongs to, where they count'
        AFTER rejected
