-- What is kept of rejected items, and which of them were sent again. Filters that are empty let
-- everything pass.

-- step: filters
    ({tenant:String} = '' OR tenant = {tenant:String})
    AND ({event:String} = '' OR event = {event:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({field:String} = '' OR field = {field:String})
    AND ({request_id:String} = '' OR request_id = {request_id:String})
    AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')

-- step: count
SELECT count() FROM fasttrack_store.rejected FINAL WHERE

-- A report's id is four columns: with its incarnation, and its append time for rows without one.
-- step: ids
SELECT _partition, _offset, toString(_incarnation), toUnixTimestamp64Milli(_appended_at)
FROM fasttrack_store.rejected FINAL
WHERE

-- step: named
SELECT _partition, _offset, toString(_incarnation), toUnixTimestamp64Milli(_appended_at)
FROM fasttrack_store.rejected FINAL
WHERE _partition = {partition:Int32} AND _offset = {offset:Int64}
    AND if({incarnation:String} = {none:String}, _incarnation = '',
        startsWith(_incarnation, {incarnation:String}))
ORDER BY _appended_at

-- step: not_yet_replayed
    AND (_partition, _offset, _appended_at, _incarnation) NOT IN (
        SELECT letter_partition, letter_offset, letter_appended_at, letter_incarnation
        FROM fasttrack_store.rejected_replays WHERE outcome = 'sent')

-- step: newest_first
ORDER BY received_at DESC, _appended_at DESC, _partition, _offset DESC
LIMIT {limit:UInt64}

-- step: oldest_first
ORDER BY received_at, _appended_at, _partition, _offset
LIMIT {limit:UInt64}

-- step: dead_letters
SELECT
    _partition, _offset, toString(_incarnation), toUnixTimestamp64Milli(_appended_at),
    _appended_at, tenant, event, reason, field, message,
    substring(raw, 1, {raw_bytes:UInt64}), length(raw), request_id, position, topic, partition,
    offset, received_at, stored_at, replays.times, replays.last, replays.outcome
FROM fasttrack_store.rejected AS rejected FINAL
LEFT JOIN (
    SELECT
        letter_incarnation, letter_partition, letter_offset, letter_appended_at, count() AS times,
        max(replayed_at) AS last, argMax(outcome, replayed_at) AS outcome
    FROM fasttrack_store.rejected_replays FINAL
    GROUP BY letter_incarnation, letter_partition, letter_offset, letter_appended_at) AS replays
ON rejected._incarnation = replays.letter_incarnation
    AND rejected._partition = replays.letter_partition
    AND rejected._offset = replays.letter_offset
    AND rejected._appended_at = replays.letter_appended_at
WHERE (_partition, _offset, toUnixTimestamp64Milli(_appended_at)) IN (
    SELECT arrayJoin({coordinates:Array(Tuple(Int32, Int64, Int64))}))
ORDER BY received_at, rejected._appended_at, _partition, _offset

-- step: replays
SELECT replayed_at, replay, via, changes, outcome, reason, field, message
FROM fasttrack_store.rejected_replays FINAL
WHERE letter_partition = {partition:Int32} AND letter_offset = {offset:Int64}
    AND letter_incarnation = {incarnation:String}
    AND letter_appended_at = fromUnixTimestamp64Milli({appended_ms:Int64}, 'UTC')
ORDER BY replayed_at

-- One row for each distinct item of those selected, by its first dead letter. Hashes instead
-- of the items: what is grouped is in memory at once.
-- step: distinct
SELECT
    first.1, first.2, first.3, first.4, min(received_at) AS first_seen,
    max(received_at) AS last_seen, count() AS times,
    argMin(
        (_partition, _offset, toString(_incarnation), toUnixTimestamp64Milli(_appended_at)),
        (received_at, _appended_at, _partition, _offset)) AS first
FROM fasttrack_store.rejected FINAL
WHERE

-- step: last_seen_first
GROUP BY tenant, event, reason, field, length(raw), sipHash128(raw)
ORDER BY last_seen DESC, first_seen DESC, first
LIMIT {limit:UInt64}

-- step: count_distinct
SELECT uniqExact(tenant, event, reason, field, length(raw), sipHash128(raw))
FROM fasttrack_store.rejected FINAL
WHERE

-- At most all of one tenant is read: the table's key begins with the tenant and has no items.
-- step: occurrences
SELECT min(received_at), max(received_at), count()
FROM fasttrack_store.rejected FINAL
WHERE tenant = {tenant:String}
    AND (event, reason, field, length(raw), sipHash128(raw)) IN (
        SELECT event, reason, field, length(raw), sipHash128(raw)
        FROM fasttrack_store.rejected FINAL
        WHERE tenant = {tenant:String}
            AND _partition = {partition:Int32} AND _offset = {offset:Int64}
            AND _appended_at = fromUnixTimestamp64Milli({appended_ms:Int64}, 'UTC'))
