-- Ends the hold. (owner, record or nothing, how much longer it lasts, whether that may be longer than the lease)
if owner ~= ARGV[1] then
    return answer(0)
end
if ARGV[2] == '' then
    redis.call('HSET', KEYS[1], 'owner', '', 'record', '', 'expires_us', '0')
    return answer(1)
end
local ends = now + ARGV[3]
-- A lease that has run out is never begun again.
if ARGV[4] == '0' or not held then
    ends = math.min(ends, expires)
end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'written_us', text(now), 'expires_us', text(ends))
return answer(1)
