-- Attempts the sweeper should look at now; each is put off, so that a crash only repeats a look.
-- KEYS 1  prefix
-- ARGV 1  'open' or 'late'  2  most attempts  3  put off by, s
-- Returns id and JSON of each.

local out = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(ARGV[1]), '-inf', text(now), 'LIMIT', 0, ARGV[2])) do
  redis.call('ZADD', key(ARGV[1]), text(now + tonumber(ARGV[3])), id)
  local campaign, n, no = string.match(id, '^(.-)%-(%d+)%-(%d+)%-')
  out[#out + 1] = id
  out[#out + 1] = redis.call('HGET',
    key('c', campaign, 'attempts', math.floor((tonumber(n) - 1) / PER_CHUNK)), n .. '-' .. no) or ''
end
return out
