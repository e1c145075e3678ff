-- Mark that a file is being loaded into a campaign, or find the mark of a load that broke off.
-- KEYS 1  prefix
-- GIVEN   BeginLoad in dialer/store/imports.py
-- Returns {} when this content was loaded to its end before, {state} when the campaign takes no
-- more files, or none of theirs, else {the mark as hash:contacts before it, contacts now}.

local c = key('c', given.campaign)
local known = redis.call('HMGET', c, 'state', 'size', 'archived_at')
if redis.call('SISMEMBER', key('c', given.campaign, 'hashes'), given.hash) == 1 then
  return {}
end
if known[1] == 'cancelling' or known[1] == 'cancelled' or known[3]
  or not given.may_start and known[1] == 'running' then
  return { known[1] }
end
redis.call('HSETNX', c, 'loading', given.hash .. ':' .. (known[2] or '0'))
return { redis.call('HGET', c, 'loading'), known[2] or '0' }
