-- Records whose id was seen before with other content, and the rows that counted.

-- step: conflicts
SELECT
    tenant, event, id, raw, topic, partition, offset, incarnation, first_partition, first_offset,
    first_incarnation, request_id, received_at
FROM fasttrack_store.conflicts FINAL
WHERE ({tenant:String} = '' OR tenant = {tenant:String})
    AND ({event:String} = '' OR event = {event:String})
    AND ({id:String} = '' OR id = {id:String})
    AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY received_at DESC, topic, partition DESC, offset DESC
LIMIT {limit:UInt64}

-- step: firsts
SELECT tenant AS _tenant, _id, received_at, _partition, _offset, /*fields*/
FROM fasttrack_store./*table*/ FINAL
WHERE (tenant, _id) IN %(keys)s
