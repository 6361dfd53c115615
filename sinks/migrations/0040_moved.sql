-- Records that lay on another partition than their id's were sent on there: an outcome of its own.

-- step: ledger
ALTER TABLE fasttrack_store.ledger /*on cluster*/
    ADD COLUMN IF NOT EXISTS moved Int64 DEFAULT 0
        COMMENT 'Records sent on to the partition that their id belongs to, where they count'
        AFTER rejected
