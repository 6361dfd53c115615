-- What became of everything that is not a row of an event table: rejected, conflicts, the ledger.

-- step: rejected
CREATE OR REPLACE VIEW fasttrack.rejected /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand that sent it; empty if unknown',
    event String COMMENT 'Event name as sent; empty if there was none',
    reason LowCardinality(String) COMMENT 'Why it was refused, as a code',
    field String COMMENT 'Path of the field at fault; empty if it is the whole item',
    message String COMMENT 'Why it was refused, for people',
    raw String COMMENT 'The item as it was sent',
    request_id String COMMENT 'HTTP request or producer batch that brought it',
    position Nullable(Int64) COMMENT 'Position in its request, from 0; NULL for a record of a direct producer',
    topic LowCardinality(String) COMMENT 'Kafka topic of a refused record; empty if refused by the ingest API',
    partition Nullable(Int32) COMMENT 'Kafka partition of a refused record; NULL if refused by the ingest API',
    offset Nullable(Int64) COMMENT 'Kafka offset of a refused record; NULL if refused by the ingest API',
    incarnation LowCardinality(String) COMMENT 'Id of that topic, which a topic of the same name created later does not share; empty if refused by the ingest API, or not known',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant, event, reason, field, message, raw, request_id, position, topic, partition, offset,
    incarnation, received_at, stored_at
FROM fasttrack_store.rejected FINAL
COMMENT 'Items and records the contract refuses, with the reason; one row per item';

-- FastTrack sends an invalid item again in new requests; each is a row of `rejected`. Reading this
-- groups what `rejected` holds of the tenants asked for, the bytes of every item included: a
-- condition on tenant is the one that leaves most unread. The origin is a tuple as argMin passes
-- over NULL, and position or offset is NULL in every row.
-- step: rejected_items
CREATE OR REPLACE VIEW fasttrack.rejected_items /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand that sent it; empty if unknown',
    event String COMMENT 'Event name as sent; empty if there was none',
    reason LowCardinality(String) COMMENT 'Why it was refused, as a code',
    field String COMMENT 'Path of the field at fault; empty if it is the whole item',
    raw String COMMENT 'The item as it was sent',
    first_seen DateTime64(3, 'UTC') COMMENT 'When Railhead received it for the first time, in UTC',
    last_seen DateTime64(3, 'UTC') COMMENT 'When Railhead received it for the last time, in UTC',
    times UInt64 COMMENT 'How often it was received; each time is a row of rejected',
    message String COMMENT 'Why it was refused the first time, for people',
    request_id String COMMENT 'HTTP request or producer batch that brought it the first time',
    position Nullable(Int64) COMMENT 'Position in that request, from 0; NULL for a record of a direct producer',
    topic LowCardinality(String) COMMENT 'Kafka topic of the first refused record; empty if refused by the ingest API',
    partition Nullable(Int32) COMMENT 'Kafka partition of the first refused record; NULL if refused by the ingest API',
    offset Nullable(Int64) COMMENT 'Kafka offset of the first refused record; NULL if refused by the ingest API',
    incarnation LowCardinality(String) COMMENT 'Id of that topic, which a topic of the same name created later does not share; empty if refused by the ingest API, or not known'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant, event, reason, field, raw, first_seen, last_seen, times,
    earliest.1 AS message, earliest.2 AS request_id, earliest.3 AS position,
    earliest.4 AS topic, earliest.5 AS partition, earliest.6 AS offset, earliest.7 AS incarnation
FROM (
    SELECT
        tenant, event, reason, field, raw,
        min(received_at) AS first_seen, max(received_at) AS last_seen, count() AS times,
        argMin(
            (message, request_id, position, topic, partition, offset, incarnation),
            (received_at, _appended_at, _partition, _offset)) AS earliest
    FROM fasttrack_store.rejected FINAL
    GROUP BY tenant, event, reason, field, raw)
COMMENT 'Refused items, one row per distinct item (tenant, event, reason, field and raw) with how often it came; each read groups all rows of rejected that the tenant asked for has';

-- step: conflicts
CREATE OR REPLACE VIEW fasttrack.conflicts /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand the record belongs to',
    event LowCardinality(String) COMMENT 'Event type, such as realtime-payment',
    id String COMMENT 'Idempotency id that was seen before',
    raw String COMMENT 'The later record as it was sent; the first one is in its event view',
    topic LowCardinality(String) COMMENT 'Kafka topic of the later record',
    partition Int32 COMMENT 'Kafka partition of the later record',
    offset Int64 COMMENT 'Kafka offset of the later record',
    incarnation LowCardinality(String) COMMENT 'Id of that topic, which a topic of the same name created later does not share; empty if not known',
    first_partition Int32 COMMENT 'Kafka partition of the record that counted',
    first_offset Int64 COMMENT 'Kafka offset of the record that counted',
    first_incarnation LowCardinality(String) COMMENT 'Id of the topic that the record that counted was in; empty if not known',
    request_id String COMMENT 'HTTP request or producer batch that brought the later record',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received the later record, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant, event, id, raw, topic, partition, offset, incarnation, first_partition, first_offset,
    first_incarnation, request_id, received_at, stored_at
FROM fasttrack_store.conflicts FINAL
COMMENT 'Same id, different content: the later records, which no other view counts';

-- A worker that was paused past its session may write a range late, under the generation it had.
-- Ranges that overlap form a cluster; in it a range gives way to one it overlaps that has a higher
-- generation (of one generation, to the one written later). Nearly every cluster is one range.
-- step: ledger
CREATE OR REPLACE VIEW fasttrack.ledger /*on cluster*/
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    partition Int32 COMMENT 'Kafka partition',
    incarnation LowCardinality(String) COMMENT 'Id of that topic, which a topic of the same name created later does not share; empty if not known',
    first Int64 COMMENT 'First offset of the range',
    last Int64 COMMENT 'Last offset of the range, included',
    stored Int64 COMMENT 'Records stored as rows',
    duplicates Int64 COMMENT 'Records that repeat an id with the same content',
    conflicts Int64 COMMENT 'Records that repeat an id with other content; kept in conflicts',
    rejected Int64 COMMENT 'Records refused by the contract; kept in rejected',
    moved Int64 COMMENT 'Records sent on to the partition that their id belongs to, where they count',
    generation Int64 COMMENT 'Generation of the consumer group the worker belonged to',
    token String COMMENT 'Deduplication token of the insert that stored the rows',
    worker LowCardinality(String) COMMENT 'Worker that wrote the row',
    first_appended_at DateTime64(3, 'UTC') COMMENT 'When the broker appended the earliest record of the range, in UTC',
    last_appended_at DateTime64(3, 'UTC') COMMENT 'When the broker appended the latest record of the range, in UTC',
    written_at DateTime64(3, 'UTC') COMMENT 'When the row was written, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    reaching AS (
        SELECT *, max(last) OVER (
            PARTITION BY topic, partition, incarnation ORDER BY first, last, generation
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached,
            row_number() OVER (PARTITION BY topic, partition, incarnation ORDER BY first, last, generation) AS nth
        FROM fasttrack_store.ledger FINAL),
    clustered AS (
        SELECT *, countIf(nth = 1 OR first > reached) OVER (
            PARTITION BY topic, partition, incarnation ORDER BY first, last, generation
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cluster
        FROM reaching),
    rivalled AS (
        SELECT *, groupArray((first, last, generation, written_at)) OVER (
            PARTITION BY topic, partition, incarnation, cluster) AS rivals
        FROM clustered)
SELECT
    topic, partition, incarnation, first, last, stored, duplicates, conflicts, rejected, moved,
    generation, token, worker, first_appended_at, last_appended_at, written_at
FROM rivalled
WHERE NOT arrayExists(
    rival -> rival.1 <= last AND rival.2 >= first
        AND (rival.3, rival.4) > (generation, written_at),
    rivals)
COMMENT 'What became of every offset: one row per range of offsets a worker finished';
