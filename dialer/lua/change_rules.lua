-- Write a campaign's rules as the next version, unless it is over or somebody changed them meanwhile.
-- KEYS 1  prefix
-- GIVEN   ChangeRules in dialer/store/rule_versions.py
-- Returns '' when written, else the campaign's state.

local c = key('c', given.campaign)
local now_is = redis.call('HMGET', c, 'state', 'rules_version')
if tonumber(now_is[2]) ~= given.version
  or not string.find(',' .. given.states .. ',', ',' .. (now_is[1] or '') .. ',', 1, true) then
  return now_is[1] or 'gone'
end
redis.call('HSET', c, unpack(given.fields))
local versions = key('c', given.campaign, 'versions')
if redis.call('EXISTS', versions) == 0 then
  redis.call('RPUSH', versions, given.before)
end
redis.call('RPUSH', versions, given.entry)
redis.call('LTRIM', versions, -given.kept, -1)
-- hours, caps and priority may be others now: the feeder lets it in again
redis.call('HDEL', c, 'open_from', 'open_until', 'capped_until', 'capped_by')
redis.call('ZREM', key('turns'), given.campaign)
return ''
