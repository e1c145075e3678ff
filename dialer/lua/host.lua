-- A worker host tells that it lives, or what its journal held. Whose journal knows a higher epoch than
-- this Redis declares the loss with it.
-- KEYS 1  prefix
-- GIVEN   HostLives in dialer/dialing/host_recovery.py
-- Returns {id of the last hold, '' = there never was one; since when, s ago; 1 if it stands; 1 if
-- this host has reported to it; now; how often what ends by Redis' clock was moved}; after a report that
-- came for an earlier hold it has not.

local SEEN_EVERY_S, FORGOTTEN_S = 10, 30 * 86400
epoch_or_hold(given.epoch)
local a = account()
local id = a.hold_id or (a.hold and '-') or '' -- one that an earlier version set has no id

local seen = tonumber(redis.call('HGET', key('hosts'), given.host) or 0)
if a.hold or now - seen >= SEEN_EVERY_S or seen > now then
  redis.call('HSET', key('hosts'), given.host, text(now))
end
if seen == 0 then
  redis.call('HSET', key('host_names'), given.host, given.name)
  local known = redis.call('HGETALL', key('hosts'))
  for i = 1, #known, 2 do
    if tonumber(known[i + 1]) < now - FORGOTTEN_S then
      redis.call('HDEL', key('hosts'), known[i])
      redis.call('HDEL', key('host_names'), known[i])
    end
  end
end
if given.hold and given.hold == id then
  redis.call('HSET', key('reported'), given.host, given.report)
end
local has_reported = id == '' or redis.call('HEXISTS', key('reported'), given.host) == 1
return { id, text(now - a.held_at), a.hold and 1 or 0, has_reported and 1 or 0, text(now), a.moves }
