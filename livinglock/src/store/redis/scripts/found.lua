-- Before each of the others: what is found, by the clock of the server. Numbers are microseconds, below 2^53 and so exact.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local found = redis.call('HMGET', KEYS[1], 'owner', 'record', 'token', 'acquired_us', 'written_us', 'expires_us', 'stop')
local owner, record, stop = found[1] or '', found[2] or '', found[7] or ''
local token, acquired, written, expires = found[3] or 0, found[4] or 0, found[5] or 0, found[6] or 0
local held = owner ~= '' and expires - now > 0

-- Lua writes 1e+15 unless told otherwise.
local function text(number)
    return string.format('%.0f', number)
end

local function answer(done)
    -- A request to an owner who has gone says nothing to the next.
    local is_asked_to_stop = owner ~= '' and stop == owner
    return {
        text(done), owner, record, text(token), text(expires - now), text(now - acquired), text(now - written),
        is_asked_to_stop and 1 or 0,
    }
end
