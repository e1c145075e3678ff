-- Reserve a name for a campaign and write it down as loading its first file, in one step.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  name  3  content hash of the file, '' = none yet  4… fields and values
-- Returns 1, or 0 when the name is taken.

if redis.call('HSETNX', key('names'), ARGV[2], ARGV[1]) == 0 then
  return 0
end
local c = key('c', ARGV[1])
redis.call('HSET', c, 'name', ARGV[2], 'state', 'loading', 'created_at', text(now), unpack(ARGV, 4))
if ARGV[3] ~= '' then
  redis.call('HSET', c, 'loading', ARGV[3] .. ':0')
end
redis.call('HSET', key('account'), 'layout', LAYOUT_OF_CONTACTS)
redis.call('ZADD', key('campaigns'), text(now), ARGV[1])
return 1
