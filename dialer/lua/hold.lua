-- Set, release, or seal the account during a recovery hold.
-- KEYS 1  prefix
-- ARGV 1  'set' | 'release' | 'seal'  2  why, for set  3  most requests  4  spacing, s
--      5  slowest recent answer, s
-- Returns 1 when something changed.

if ARGV[1] == 'set' then
  redis.call('HSET', key('account'), 'hold', ARGV[2], 'held_at', text(now))
  redis.call('DEL', key('reported'))
  return 1
elseif ARGV[1] == 'release' then
  return redis.call('HDEL', key('account'), 'hold', 'held_at', 'lost', 'sealed') > 0 and 1 or 0
end

-- Slots that may have been lost: by the spacing at most one request was sent every so many
-- seconds, so as many phantom slots, ending as far apart, cover whatever was sent.
if redis.call('HSETNX', key('account'), 'sealed', 1) == 0 then
  return 0
end
for i = 1, tonumber(ARGV[3]) do
  redis.call('ZADD', key('slots'), text(now + tonumber(ARGV[5]) + i * tonumber(ARGV[4])), 'phantom/' .. i)
end
return 1
