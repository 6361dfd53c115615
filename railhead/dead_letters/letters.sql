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

-- step: ids
SELECT _partition, _offset
FROM fasttrack_store.rejected FINAL
WHERE

-- step: not_yet_replayed
    AND (_partition, _offset, _appended_at) NOT IN (
        SELECT letter_partition, letter_offset, letter_appended_at
        FROM fasttrack_store.rejected_replays WHERE outcome = 'sent')

-- step: newest_first
ORDER BY received_at DESC, _appended_at DESC, _partition, _offset DESC
LIMIT {limit:UInt64}

-- step: oldest_first
ORDER BY received_at, _appended_at, _partition, _offset
LIMIT {limit:UInt64}

-- step: letters
SELECT
    _partition, _offset, _appended_at, tenant, event, reason, field, message,
    substring(raw, 1, {raw_bytes:UInt64}), length(raw), request_id, position, topic, partition,
    offset, received_at, stored_at, replays.times, replays.last, replays.outcome
FROM fasttrack_store.rejected AS rejected FINAL
LEFT JOIN (
    SELECT
        letter_partition, letter_offset, letter_appended_at, count() AS times,
        max(replayed_at) AS last, argMax(outcome, replayed_at) AS outcome
    FROM fasttrack_store.rejected_replays FINAL
    GROUP BY letter_partition, letter_offset, letter_appended_at) AS replays
ON rejected._partition = replays.letter_partition
    AND rejected._offset = replays.letter_offset
    AND rejected._appended_at = replays.letter_appended_at
WHERE (_partition, _offset) IN (
    SELECT arrayJoin({ids:Array(Tuple(Int32, Int64))}))
ORDER BY received_at, rejected._appended_at, _partition, _offset
LIMIT 1 BY _partition, _offset

-- step: replays
SELECT replayed_at, replay, via, changes, outcome, reason, field, message
FROM fasttrack_store.rejected_replays FINAL
WHERE letter_partition = {partition:Int32} AND letter_offset = {offset:Int64}
ORDER BY replayed_at
