-- Queries of the audit: the ledger folded, and rows counted against it. Nothing is changed here.
--
-- Parameters: topic; origins and ends (partition to offset) set the window that is audited;
-- since_ms bounds what is read, by the broker's append time. /*mine: ...*/ is the condition that a row
-- is about the topic's present incarnation; for rows that name none, starts and births (partition
-- to offset and milliseconds) say where the log starts and when its first record was appended: a
-- later offset with an earlier time belongs to an earlier topic of this name. It, /*table*/ and
-- /*key*/ are filled in by queries.py. A *block* is one range, or several that overlap.

-- step: window
-- The window of each partition: from the first range that reaches into the time asked for.
SELECT
    partition,
    minIf(first, last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS origin,
    countIf(last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS ranges,
    max(last) + 1 AS end,
    toUnixTimestamp64Milli(minIf(
        first_appended_at,
        last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC'))) AS first_appended_ms
FROM fasttrack_store.ledger
WHERE topic = {topic:String}
    AND /*mine: ledger*/
GROUP BY partition

-- step: other_incarnations
-- Ranges of earlier topics of this name.
SELECT partition, min(first), max(last), count()
FROM fasttrack_store.ledger FINAL
WHERE topic = {topic:String}
    AND last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND NOT /*mine: ledger*/
GROUP BY partition
ORDER BY partition

-- step: blocks
WITH
    ranges AS (
        SELECT
            partition, first, last, generation,
            stored, duplicates, conflicts, rejected, moved
        FROM fasttrack_store.ledger FINAL
        WHERE topic = {topic:String}
            AND last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
            AND mapContains({origins:Map(Int32, Int64)}, partition)
            AND last >= {origins:Map(Int32, Int64)}[partition]
            AND last < {ends:Map(Int32, Int64)}[partition]
            AND /*mine: ledger*/),
    reaching AS (
        SELECT *,
            max(last) OVER (
                PARTITION BY partition ORDER BY first, last, generation
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached,
            row_number() OVER (PARTITION BY partition ORDER BY first, last, generation) AS nth
        FROM ranges),
    clustered AS (
        SELECT *, countIf(nth = 1 OR first > reached) OVER (
            PARTITION BY partition ORDER BY first, last, generation
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cluster
        FROM reaching),
    blocks AS (
        SELECT
            partition, cluster, min(first) AS first, max(last) AS last, count() AS ranges,
            sum(stored) AS stored, sum(duplicates) AS duplicates,
            sum(conflicts) AS conflicts, sum(rejected) AS rejected, sum(moved) AS moved
        FROM clustered
        GROUP BY partition, cluster)

-- step: islands
SELECT
    partition, min(first) AS island_first, max(last) AS island_last, sum(ranges) AS island_ranges,
    sumIf(stored, ranges = 1), sumIf(duplicates, ranges = 1),
    sumIf(conflicts, ranges = 1), sumIf(rejected, ranges = 1), sumIf(moved, ranges = 1)
FROM (
    SELECT *, countIf(first != before + 1) OVER (
        PARTITION BY partition ORDER BY first
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
    FROM (
        SELECT *, any(last) OVER (
            PARTITION BY partition ORDER BY first
            ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before
        FROM blocks))
GROUP BY partition, island
ORDER BY partition, island_first

-- step: rivals
SELECT
    partition, cluster, first, last, generation, stored, duplicates, conflicts, rejected, moved
FROM clustered
WHERE (partition, cluster) IN (SELECT partition, cluster FROM blocks WHERE ranges > 1)
ORDER BY partition, cluster, first, last
LIMIT {most:UInt64}

-- step: rows
    ,
    held AS (
        SELECT _partition AS partition, _offset AS offset
        FROM fasttrack_store./*table*/
        WHERE _topic = {topic:String}
            AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
            AND _offset >= {origins:Map(Int32, Int64)}[_partition]
            AND _offset < {ends:Map(Int32, Int64)}[_partition]
            AND /*mine: rows*/)

-- step: kept
    ,
    conflicting AS (
        SELECT partition, offset
        FROM fasttrack_store.conflicts
        WHERE topic = {topic:String} AND {has_kept:Bool}
            AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
            AND offset >= {origins:Map(Int32, Int64)}[partition]
            AND offset < {ends:Map(Int32, Int64)}[partition]
            AND /*mine: kept*/),
    refused AS (
        SELECT assumeNotNull(rejected.partition) AS partition, assumeNotNull(rejected.offset) AS offset
        FROM fasttrack_store.rejected AS rejected
        WHERE topic = {topic:String} AND {has_kept:Bool}
            AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
            AND offset >= {origins:Map(Int32, Int64)}[partition]
            AND offset < {ends:Map(Int32, Int64)}[partition]
            AND /*mine: kept*/)

-- step: doubtful
-- Blocks that do not add up: with fewer or more outcomes than offsets, or fewer or more rows than
-- outcomes. Blocks of several ranges always, as their counts are resolved elsewhere.
SELECT
    blocks.partition, blocks.first, blocks.last, blocks.ranges,
    blocks.stored, blocks.duplicates, blocks.conflicts, blocks.rejected, blocks.moved,
    own.copies, own.offsets, conflicting.offsets, refused.offsets
FROM blocks
LEFT JOIN (
    SELECT
        held.partition AS partition, blocks.first AS first,
        count() AS copies, groupBitmap(toUInt64(held.offset)) AS offsets
    FROM held
    ASOF INNER JOIN blocks ON held.partition = blocks.partition AND held.offset >= blocks.first
    WHERE held.offset <= blocks.last
    GROUP BY partition, first) AS own
ON blocks.partition = own.partition AND blocks.first = own.first
LEFT JOIN (
    SELECT
        held.partition AS partition, blocks.first AS first,
        groupBitmap(toUInt64(held.offset)) AS offsets
    FROM conflicting AS held
    ASOF INNER JOIN blocks ON held.partition = blocks.partition AND held.offset >= blocks.first
    WHERE held.offset <= blocks.last
    GROUP BY partition, first) AS conflicting
ON blocks.partition = conflicting.partition AND blocks.first = conflicting.first
LEFT JOIN (
    SELECT
        held.partition AS partition, blocks.first AS first,
        groupBitmap(toUInt64(held.offset)) AS offsets
    FROM refused AS held
    ASOF INNER JOIN blocks ON held.partition = blocks.partition AND held.offset >= blocks.first
    WHERE held.offset <= blocks.last
    GROUP BY partition, first) AS refused
ON blocks.partition = refused.partition AND blocks.first = refused.first
WHERE {every:Bool} OR blocks.ranges > 1
    OR blocks.last - blocks.first + 1
        != blocks.stored + blocks.duplicates + blocks.conflicts + blocks.rejected + blocks.moved
    OR own.offsets != blocks.stored OR own.copies != own.offsets
    OR conflicting.offsets != blocks.conflicts OR refused.offsets != blocks.rejected
ORDER BY blocks.partition, blocks.first
LIMIT {most:UInt64}

-- step: strays
-- Rows in the window that lie in no block.
SELECT DISTINCT held.partition, held.offset
FROM held
ASOF LEFT JOIN (SELECT *, 1 AS there FROM blocks) AS blocks
    ON held.partition = blocks.partition AND held.offset >= blocks.first
WHERE blocks.there = 0 OR held.offset > blocks.last
ORDER BY held.partition, held.offset
LIMIT {most:UInt64}

-- step: past_the_window
-- Rows that are not in the ledger yet, if they are records at all; and where the last one lies.
SELECT _partition, count(), max(_offset)
FROM fasttrack_store./*table*/
WHERE _topic = {topic:String}
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND _offset >= {ends:Map(Int32, Int64)}[_partition]
    AND /*mine: rows*/
GROUP BY _partition
ORDER BY _partition

-- step: of_no_topic
-- Rows that name a topic this table does not hold, or no offset.
SELECT toString(_topic), _partition, _offset, tenant
FROM fasttrack_store./*table*/
WHERE (_topic != {topic:String} OR _offset < 0)
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY _topic, _partition, _offset
LIMIT {most:UInt64}

-- step: rows_of_block
SELECT _offset, /*key*/
FROM fasttrack_store./*table*/
WHERE _topic = {topic:String} AND _partition = {partition:Int32}
    AND _offset BETWEEN {first:Int64} AND {last:Int64}
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND /*mine: rows*/
LIMIT 1 BY _offset, /*key*/

-- step: copies_of_block
-- Records of which there is more than one row: how many rows, of how many ids, and
-- whether they differ.
SELECT
    _offset, count() AS copies,
    uniqExact(/*key*/) AS ids,
    uniqExact(cityHash64(toString(tuple(* EXCEPT (stored_at))))) > 1 AS differ
FROM fasttrack_store./*table*/
WHERE _topic = {topic:String} AND _partition = {partition:Int32}
    AND _offset BETWEEN {first:Int64} AND {last:Int64}
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND /*mine: rows*/
GROUP BY _offset
HAVING copies > 1
ORDER BY _offset

-- step: kept_of_block
SELECT DISTINCT offset
FROM fasttrack_store./*table*/
WHERE topic = {topic:String} AND partition = {partition:Int32}
    AND offset BETWEEN {first:Int64} AND {last:Int64}
    AND /*mine: kept*/

-- step: where_ids_are
-- The row that counts for each of some ids, and where its record lies.
SELECT /*key*/, toString(_topic), _partition, _offset, toString(_incarnation)
FROM fasttrack_store./*table*/ FINAL
WHERE (/*key*/) IN %(keys)s

-- step: rows_by_field
-- Rows of some items, under whichever rule their ids were made.
SELECT /*fields*/, toString(_topic), _partition, _offset, toString(_incarnation)
FROM fasttrack_store./*table*/ FINAL
WHERE tenant = %(tenant)s AND /*field*/ IN %(values)s
ORDER BY _appended_at, _partition, _offset

-- step: shown_twice
-- Ids with more than one visible row: two neighbours in the key's order, which needs no hash table.
SELECT tenant, _id, _partition, _offset
FROM (
    SELECT tenant, _id, _partition, _offset, any(tenant) OVER before AS tenant_before,
        any(_id) OVER before AS id_before
    FROM fasttrack_store./*table*/ FINAL
    WHERE _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        AND ({tenant:String} = '' OR tenant = {tenant:String})
    WINDOW before AS (ORDER BY tenant, _id ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING))
WHERE tenant = tenant_before AND _id = id_before
LIMIT {most:UInt64}

-- step: rows_and_ids
-- How many rows there are, and of how many ids.
SELECT
    (SELECT count() FROM fasttrack_store./*table*/
    WHERE _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        AND ({tenant:String} = '' OR tenant = {tenant:String})),
    (SELECT count() FROM fasttrack_store./*table*/ FINAL
    WHERE _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        AND ({tenant:String} = '' OR tenant = {tenant:String}))

-- step: hidden
-- Ids with rows of different content: what a merge would remove is not a repeat.
SELECT
    tenant, _id,
    argMin((_partition, _offset, toString(_incarnation)), (_appended_at, _partition, _offset))
        AS first_place,
    argMax((_partition, _offset, toString(_incarnation)), (_appended_at, _partition, _offset))
        AS other_place
FROM fasttrack_store./*table*/
WHERE _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY tenant, _id
HAVING count() > 1
    AND uniqExact(cityHash64(toString(tuple(* EXCEPT('^(_.*|stored_at|received_at|request_id)$'))))) > 1
LIMIT {most:UInt64}

-- step: shown
SELECT count() FROM fasttrack./*table*/
WHERE {tenant:String} = '' OR tenant = {tenant:String}

-- step: to_be_shown
SELECT count() FROM fasttrack_store./*table*/ FINAL
WHERE {tenant:String} = '' OR tenant = {tenant:String}

-- step: reports
-- Of the reports in the window: how many rejections they are about, and how many report one again.
SELECT uniqExact(tenant, _report), count() - uniqExact(tenant, _report)
FROM (
    SELECT DISTINCT _partition, _offset, tenant, _report
    FROM fasttrack_store.rejected
    WHERE _topic = {topic:String}
        AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        AND _offset >= {origins:Map(Int32, Int64)}[_partition]
        AND _offset < {ends:Map(Int32, Int64)}[_partition]
        AND /*mine: rows*/)

-- Different rows with the same key: a merge keeps one of them. After the merge the counts of the
-- block do not fit.
-- step: merging_reports
SELECT min(_partition), min(_offset), count(), any(tenant)
FROM fasttrack_store.rejected
WHERE _topic = {topic:String}
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AND /*mine: rows*/
GROUP BY tenant, _report
HAVING uniqExact(sipHash128(raw)) > 1
ORDER BY 1, 2
LIMIT {most:UInt64}

-- step: merging_conflicts
SELECT partition, offset, count(), any(tenant)
FROM fasttrack_store.conflicts
WHERE topic = {topic:String}
    AND _appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AND /*mine: kept*/
GROUP BY topic, partition, incarnation, offset, _appended_at
HAVING uniqExact(tenant, id, sipHash128(raw)) > 1
ORDER BY 1, 2
LIMIT {most:UInt64}

-- step: merging_ranges
SELECT partition, first, count(), ''
FROM fasttrack_store.ledger
WHERE topic = {topic:String}
    AND last_appended_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AND /*mine: ledger*/
GROUP BY topic, partition, incarnation, first, last, generation, last_appended_at
HAVING uniqExact(stored, duplicates, conflicts, rejected) > 1
ORDER BY 1, 2
LIMIT {most:UInt64}

-- step: kept_of_earlier
-- Of earlier topics of this name: where less is kept than the ledger has. Kafka no longer has their
-- records, so only these counts can be compared.
SELECT
    reported.partition, reported.first, reported.last, reported.conflicts, conflicting.records,
    reported.rejected, refused.records
FROM (
    SELECT
        partition, incarnation, min(first) AS first, max(last) AS last,
        sum(conflicts) AS conflicts, sum(rejected) AS rejected
    FROM fasttrack.ledger
    WHERE topic = {topic:String} AND incarnation NOT IN ('', {incarnation:String})
    GROUP BY partition, incarnation) AS reported
LEFT JOIN (
    SELECT partition, incarnation, uniqExact(offset) AS records
    FROM fasttrack_store.conflicts
    WHERE topic = {topic:String}
    GROUP BY partition, incarnation) AS conflicting
ON reported.partition = conflicting.partition AND reported.incarnation = conflicting.incarnation
LEFT JOIN (
    SELECT assumeNotNull(partition) AS partition, incarnation, uniqExact(offset) AS records
    FROM fasttrack_store.rejected
    WHERE topic = {topic:String} AND partition IS NOT NULL
    GROUP BY partition, incarnation) AS refused
ON reported.partition = refused.partition AND reported.incarnation = refused.incarnation
WHERE conflicting.records < reported.conflicts OR refused.records < reported.rejected
ORDER BY reported.partition, reported.first
