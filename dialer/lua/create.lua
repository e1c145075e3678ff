-- Reserve a name for a campaign and write it down as loading its first file, in one step.
-- KEYS 1  prefix
-- GIVEN   Create in dialer/store/campaigns.py
-- Returns 1, or 0 when the name is taken.

if redis.call('HSETNX', key('names'), given.name, given.campaign) == 0 then
  return 0
end
local c = key('c', given.campaign)
redis.call('HSET', c, 'name', given.name, 'state', 'loading', 'created_at', text(now),
  unpack(given.fields))
if given.hash ~= '' then
  redis.call('HSET', c, 'loading', given.hash .. ':0')
end
redis.call('HSET', key('account'), 'layout', LAYOUT_OF_CONTACTS)
redis.call('ZADD', key('campaigns'), text(now), given.campaign)
return 1
