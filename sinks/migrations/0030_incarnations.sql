-- Incarnations: a coordinate names a record only together with its topic's incarnation.
--
-- Kafka gives a topic an id when it is created. A topic that was deleted and created again has
-- another id and the same offsets again, so each row says which one its record was in. Older rows
-- have an empty one: their append times decide.

-- step: casino
ALTER TABLE fasttrack_store.casino /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: payment
ALTER TABLE fasttrack_store.payment /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: registration
ALTER TABLE fasttrack_store.registration /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: gameround
ALTER TABLE fasttrack_store.gameround /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: sports_bet
ALTER TABLE fasttrack_store.sports_bet /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: login
ALTER TABLE fasttrack_store.login /*on cluster*/
    ADD COLUMN IF NOT EXISTS _incarnation LowCardinality(String)
        COMMENT 'Id of the Kafka topic, which a topic of the same name created later does not share'
        AFTER _topic;

-- step: replays
ALTER TABLE fasttrack_store.rejected_replays /*on cluster*/
    ADD COLUMN IF NOT EXISTS letter_incarnation LowCardinality(String)
        COMMENT 'Id of the topic fasttrack.rejected that the report was in'
        FIRST;
