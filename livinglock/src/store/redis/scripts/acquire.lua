-- Acquires it. Done is the new token; the record is that of the run before. (owner, record, length, owner known to have gone)
if held and owner ~= ARGV[1] and owner ~= ARGV[4] then
    return answer(0)
end
-- If data was lost, the clock of the server has gone on nevertheless.
local new = math.max(token + 1, now)
if owner == ARGV[1] then
    -- The answer to an earlier try was lost, and with it what that has found.
    local before = redis.call('HMGET', KEYS[1], 'record_before', 'token_before')
    record, token = before[1] or '', before[2] or 0
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'record', ARGV[2], 'token', text(new), 'acquired_us', text(now),
    'written_us', text(now), 'expires_us', text(now + ARGV[3]),
    'record_before', record, 'token_before', text(token))
return answer(new)
