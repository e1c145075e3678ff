-- Set where agents are, and wake who waits for those who are back.
-- KEYS 1  prefix
-- GIVEN   SetPresences in dialer/store/agents.py
-- Returns for each agent {'ok' or 'kept', where they were until now} | {'failed', why}

return each(given.agents, function(one)
  local was = presence_of(one.agent)
  if one.over and not string.find(',' .. one.over .. ',', ',' .. was .. ',', 1, true) then
    return { 'kept', was }
  end
  if one.state == 'on' then
    redis.call('HDEL', key('missed'), one.agent)
    if redis.call('HDEL', key('parked'), one.agent) == 1 then
      redis.call('ZREM', key('resting'), one.agent)
    end
    come_back(one.agent, one.reason, one.by)
  else
    go_away(one.agent, one.state, one.reason, one.by, one.until_at or math.huge)
  end
  return { 'ok', was }
end)
