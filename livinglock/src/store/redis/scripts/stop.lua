-- Asks the holder to stop, if it is this one. (owner)
local is_this_one = held and owner == ARGV[1]
if is_this_one then
    redis.call('HSET', KEYS[1], 'stop', owner)
end
return answer(is_this_one and 1 or 0)
