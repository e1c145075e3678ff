-- Write a campaign's rules as the next version, unless it runs or somebody changed them meanwhile.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  version the caller read  3  states in which they may change, commas between
--      4… fields and values
-- Returns '' when written, else the campaign's state.

local c = key('c', ARGV[1])
local now_is = redis.call('HMGET', c, 'state', 'rules_version')
if now_is[2] ~= ARGV[2] or not string.find(',' .. ARGV[3] .. ',', ',' .. (now_is[1] or '') .. ',', 1, true) then
  return now_is[1] or 'gone'
end
redis.call('HSET', c, unpack(ARGV, 4))
-- hours, caps and priority may be others now: the feeder lets it in again
redis.call('HDEL', c, 'open_from', 'open_until', 'capped_until', 'capped_by')
redis.call('ZREM', key('turns'), ARGV[1])
return ''
