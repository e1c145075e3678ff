-- Mark that a file is being loaded into a campaign, or find the mark of a load that broke off.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  content hash  3  '1': whoever loads may not start calls
-- Returns {} when this content was loaded to its end before, {state} when the campaign takes no
-- more files, or none of theirs, else {the mark as hash:contacts before it, contacts now}.

local c = key('c', ARGV[1])
local known = redis.call('HMGET', c, 'state', 'size', 'archived_at')
if redis.call('SISMEMBER', key('c', ARGV[1], 'hashes'), ARGV[2]) == 1 then
  return {}
end
if known[1] == 'cancelling' or known[1] == 'cancelled' or known[3]
  or ARGV[3] == '1' and known[1] == 'running' then
  return { known[1] }
end
redis.call('HSETNX', c, 'loading', ARGV[2] .. ':' .. (known[2] or '0'))
return { redis.call('HGET', c, 'loading'), known[2] or '0' }
