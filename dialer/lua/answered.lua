-- What a response taught about the provider's own count: it can only slow us down.
-- KEYS 1  prefix
-- ARGV 1  slot member, '' = none  2  seconds until its slot frees itself
--      3  most requests per window  4  provider's remaining requests, -1 = not told
--      5  length of the window, s
-- Returns 1.

if ARGV[1] ~= '' then
  redis.call('ZADD', key('slots'), text(now + tonumber(ARGV[2])), ARGV[1])
  redis.call('HDEL', key('pace'), 'full_until') -- slots may be free sooner than was thought
end

local limit = tonumber(ARGV[3])
local remaining = tonumber(ARGV[4])
if remaining >= 0 then
  redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', text(now))
  local foreign = (limit - remaining) - redis.call('ZCARD', key('slots'))
  for i = 1, math.min(foreign, limit) do
    redis.call('ZADD', key('slots'), text(now + tonumber(ARGV[5])), 'foreign/' .. text(now) .. '/' .. i)
  end
end
return 1
