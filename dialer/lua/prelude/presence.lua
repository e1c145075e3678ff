-- Where agents are, and their wrap-up.

local PRESENCE_LOG_S = 92 * 86400

-- Where an agent is, in a word: `on`, `missed` while they are left alone, or why they are away.
local function presence_of(agent)
  if is_away(agent) then
    local told = redis.call('HGET', key('presence'), agent)
    return told and cjson.decode(told).state or 'off'
  end
  local left_alone = tonumber(redis.call('HGET', key('parked'), agent) or 0) > now
  return left_alone and 'missed' or 'on'
end

-- Notes a change for the sums of an agent's time, with what it was before, and tells it, by their id: no
-- number stands there.
local function log_presence(agent, state, reason, by, until_at)
  local known = redis.call('HGET', key('agents'), agent)
  if known then
    local ends_at = until_at and until_at < math.huge and text(until_at) or nil
    event('agent.presence', nil, nil, nil, cjson.encode(
      { agent = cjson.decode(known).id, state = state, reason = reason, by = by, until_at = ends_at }))
    local was = redis.call('HGET', key('presence'), agent)
    local function add(id)
      return redis.pcall('XADD', key('presence_log'), 'MINID', '~', math.floor((now - PRESENCE_LOG_S) * 1000),
        id, 'agent', cjson.decode(known).id, 'state', state, 'reason', reason, 'by', by,
        'at', text(now), 'until', ends_at or '', 'was', was and cjson.decode(was).state or 'on')
    end
    -- its place is when it happened, where the clock was not set back
    local added = add(string.format('%.0f-*', math.floor(now * 1000)))
    if type(added) == 'table' and added.err then
      add('*')
    end
  end
end

local function note_presence(agent, state, reason, by, until_at)
  log_presence(agent, state, reason, by, until_at)
  redis.call('HSET', key('presence'), agent,
    cjson.encode({ state = state, reason = reason, by = by, since = text(now) }))
end

-- Sends an agent away; a call in progress goes on, and whoever is released for them comes back from
-- the gate.
local function go_away(agent, state, reason, by, until_at)
  redis.call('ZADD', key('away'), until_at == math.huge and '+inf' or text(until_at), agent)
  some_away = true
  note_presence(agent, state, reason, by, until_at)
  wake(agent) -- their stand-ins may be rung now
end

local function come_back(agent, reason, by)
  redis.call('ZREM', key('away'), agent)
  note_presence(agent, 'on', reason, by)
  wake(agent)
end

-- Ends the rest of an agent who said what came of this attempt, but for the least one. One who rests
-- after a later call, or for another reason, rests on.
local function end_wrap_up(agent, id)
  local of, least = string.match(redis.call('HGET', key('waits_for_word'), agent) or '', '^(%S+) (%S+)$')
  if of ~= id then
    return
  end
  redis.call('HDEL', key('waits_for_word'), agent)
  local at = math.max(tonumber(least), now)
  if tonumber(redis.call('ZSCORE', key('resting'), agent) or 0) > at then
    redis.call('ZADD', key('resting'), exact(at), agent)
    redis.call('HSET', key('wrapping_up'), agent, text(at))
    if redis.call('HEXISTS', key('idle_since'), agent) == 1 then
      redis.call('HSET', key('idle_since'), agent, text(at))
    end
    if SHARED and redis.call('HGET', SHARED .. 'held_by', agent) == prefix then
      hold_for_all(agent, at)
    end
    call_feeder(WORK) -- it sleeps until the rest would have ended
  end
end
