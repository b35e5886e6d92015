-- Writes the record, and begins the lease anew if there is a length. (owner, record, length or nothing)
local ours = held and owner == ARGV[1]
if ours then
    if ARGV[3] ~= '' then
        expires = now + ARGV[3]
    end
    redis.call('HSET', KEYS[1], 'record', ARGV[2], 'written_us', text(now), 'expires_us', text(expires))
end
return answer(ours and 1 or 0)
