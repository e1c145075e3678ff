-- A worker host tells that it lives, or what its journal held. Whose journal knows a higher epoch than
-- this Redis declares the loss with it.
-- KEYS 1  prefix
-- ARGV 1  the epoch its journal knows  2  identity of its journal  3  its name, for people, then
--      nothing, or 4  id of the hold it reports to  5  what its journal held, JSON
-- Returns {id of the last hold, '' = there never was one; since when, s ago; 1 if it stands; 1 if
-- this host has reported to it; now}; after a report that came for an earlier hold it has not.

local SEEN_EVERY_S, FORGOTTEN_S = 10, 30 * 86400
epoch_or_hold(tonumber(ARGV[1]))
local a = account()
local id = a.hold_id or (a.hold and '-') or '' -- one that an earlier version set has no id

local seen = tonumber(redis.call('HGET', key('hosts'), ARGV[2]) or 0)
if a.hold or now - seen >= SEEN_EVERY_S or seen > now then
  redis.call('HSET', key('hosts'), ARGV[2], text(now))
end
if seen == 0 then
  redis.call('HSET', key('host_names'), ARGV[2], ARGV[3])
  local known = redis.call('HGETALL', key('hosts'))
  for i = 1, #known, 2 do
    if tonumber(known[i + 1]) < now - FORGOTTEN_S then
      redis.call('HDEL', key('hosts'), known[i])
      redis.call('HDEL', key('host_names'), known[i])
    end
  end
end
if ARGV[4] and ARGV[4] == id then
  redis.call('HSET', key('reported'), ARGV[2], ARGV[5])
end
local has_reported = id == '' or redis.call('HEXISTS', key('reported'), ARGV[2]) == 1
return { id, text(now - a.held_at), a.hold and 1 or 0, has_reported and 1 or 0, text(now) }
