-- Make a file that is loaded to its end count; committing it twice counts it once.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  content hash  3  import record, JSON  4  rows  5  accepted  6  rejected
--      7  duplicate
-- Returns 1.

local c = key('c', ARGV[1])
local mark = redis.call('HGET', c, 'loading')
if mark and string.match(mark, '^(.*):%d+$') == ARGV[2] then
  for i, name in ipairs({ 'rows', 'accepted', 'rejected', 'duplicate' }) do
    redis.call('HINCRBY', c, name, ARGV[i + 3])
  end
  redis.call('RPUSH', key('c', ARGV[1], 'imports'), ARGV[3])
  redis.call('SADD', key('c', ARGV[1], 'hashes'), ARGV[2])
  redis.call('HDEL', c, 'loading')
  if redis.call('HGET', c, 'state') == 'loading' then
    redis.call('HSET', c, 'state', 'loaded')
  end
  finish_campaign_if_done(ARGV[1]) -- what was loaded so far may have been dialled already
end
return 1
