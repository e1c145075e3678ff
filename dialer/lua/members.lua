-- Say who belongs to a group's team, unless the agents changed since the caller looked.
-- KEYS 1  prefix
-- GIVEN   SetMembers in dialer/store/teams.py
-- Returns 1, or 0 when they changed.

if (redis.call('GET', key('agents_version')) or '0') ~= given.version then
  return 0
end
local team, stays = given.team, {}
for _, agent in ipairs(given.members) do
  stays[agent] = true
  if redis.call('SADD', key('members', team), agent) == 1 then
    redis.call('ZADD', key('free_of', team), now, agent) -- the gate finds out whether they are
  end
end
for _, agent in ipairs(redis.call('SMEMBERS', key('members', team))) do
  if not stays[agent] then
    redis.call('SREM', key('members', team), agent)
    redis.call('ZREM', key('free_of', team), agent)
  end
end
wake(team)
return 1
