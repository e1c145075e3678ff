-- Hand due contacts to the queue: short-lived permission to try, nothing is dialled yet.
-- KEYS 1  prefix
-- GIVEN   Release in dialer/dialing/releasing.py
-- Returns why nothing more was released ('' when enough is), the epoch, where there was nothing to
-- release the seconds until there may be, and what is damaged ('' when nothing is), then campaign, contact and
-- token of each released contact.

local most, lease_s, cap = given.most, given.lease_s, given.most_live
local MOST_HELD = 4 -- times as many releases as are used in that time
local MOST_DEATHS = 4 -- on the way to the gate, in a row: the contact itself kills its workers

if is_clock_in_doubt(given.clock_from, given.clock_until) then
  return { 'clock', '0', '0', '' } -- what is to be moved first would seem to be over
end

-- Seconds until something is due that no other script tells of.
local until_due_s = 3600

local function due(set)
  local first = tonumber(redis.call('ZRANGE', key(set), 0, 0, 'WITHSCORES')[2] or nil)
  until_due_s = math.max(0, math.min(until_due_s, (first or math.huge) - now))
  return first and first <= now
    and redis.call('ZRANGEBYSCORE', key(set), '-inf', now, 'LIMIT', 0, 200) or {}
end

local damaged = '' -- what could not be worked on, and why: the first of it
local function note_damage(what, why)
  why = fault(why)
  if is_refusal(why) then
    error(why, 0)
  end
  damaged = damaged ~= '' and damaged or what .. ': ' .. why
end

-- Does it for each that is due in this set; one that fails leaves the others alone, and is tried again in a
-- minute: not at once, or two hundred of them would be all that is ever looked at.
local function for_due(set, does)
  for _, one in ipairs(due(set)) do
    local done, why = pcall(does, one)
    if not done then
      note_damage(set .. ' ' .. one, why)
      redis.call('ZADD', key(set), exact(now + 60), one)
    end
  end
end

-- Leases that ran out: the worker died before its gate, so no call exists.
for_due('released', function(one)
  local campaign, n, token = string.match(one, '^(.+)/(%d+)/(.+)$')
  n = tonumber(n)
  local c = read_contact(campaign, n)
  if not c or c.state ~= RELEASED then
    redis.call('ZREM', key('released'), one)
  elseif c.flags >= MOST_DEATHS then
    redis.call('ZREM', key('released'), one)
    let_go(c, token)
    close_contact(campaign, n, c, 'poison')
  else
    take_back(campaign, n, token, c)
  end
end)

for_due('resting', function(number)
  redis.call('ZREM', key('resting'), number)
  redis.call('HDEL', key('waits_for_word'), number)
  if redis.call('HDEL', key('parked'), number) == 1 and not is_away(number) then
    log_presence(number, 'on', '', 'dialer')
  end
  redis.call('HDEL', key('wrapping_up'), number)
  if redis.call('HEXISTS', key('busy'), number) == 0 then
    wake(number)
  end
end)

for_due('away', function(agent)
  come_back(agent, '', 'dialer')
end)

for_due('undisposed', function(one)
  local campaign, n = string.match(one, '^(.+)/(%d+)$')
  local c = read_contact(campaign, tonumber(n))
  if c and c.state == OPEN then
    end_open(campaign, tonumber(n), c) -- nobody said what came of it
  else
    redis.call('ZREM', key('undisposed'), one)
  end
end)

for_due('later', function(one)
  local campaign, n = string.match(one, '^(.+)/(%d+)$')
  redis.call('ZREM', key('later'), one)
  local c = read_contact(campaign, tonumber(n))
  if c and c.state == WAITING then
    queue(campaign, tonumber(n), c)
  end
end)

for_due('ghosts', function(one)
  redis.call('ZREM', key('ghosts'), one)
  local number, holder = string.match(one, '^(%d+)/(.+)$')
  free(number, holder, 0)
end)

local epoch = epoch_or_hold(given.epoch)
if not epoch then
  return { 'hold', '0', '0', damaged }
end
if not has_terms(given.terms) then
  return { 'other settings', text(epoch), '0', damaged }
end

local is_stopped = account().stopped
if not is_stopped and redis.call('EXISTS', key('turns'), key('released')) == 0 then
  return { 'nothing', text(epoch), text(until_due_s), damaged } -- an idle account: neither asks nor writes more
end
if is_stopped then
  -- one contact a minute may find out whether the account works again
  local probe_at = account().probe_at
  if not probe_at or now < probe_at or redis.call('ZCARD', key('released')) > 0 then
    return { 'stopped', text(epoch), '0', damaged }
  end
  most = 1
end
if now < account().capped_until then
  return { 'capped', text(epoch), '0', damaged } -- its workers would only ask the gate in vain
end
local pace_now = redis.call('HMGET', key('pace'), 'blocked_until', 'full_until', 'ticked_at', 'virtual_clock')
if now < tonumber(pace_now[1] or 0) or now < tonumber(pace_now[2] or 0) then
  return { 'blocked', text(epoch), '0', damaged }
end

-- One that was not used for so long may be a dead worker's. Its contact waits for the lease to end,
-- but others need not: a worker killed each second must not leave the queue empty.
local lately = redis.call('ZCOUNT', key('released'), '(' .. text(now + lease_s - given.used_within_s), '+inf')
-- A queue whose workers are away, or slower than the pace, fills with releases that ran out; to send
-- more behind them would let every one of those run out as well. Where more messages wait than were
-- released lately, the first of them are old: nothing goes behind them before they are dealt with, but
-- for the last few, so that nobody who is that fast again has nothing to do.
-- What finds out whether a stopped account works again is one message, whatever waits before it.
local queued = is_stopped and 0 or given.queued
local held = redis.call('ZRANGE', key('released'), 0, -1)
local is_behind = queued > lately + most / 8
local room = is_behind and 0 or math.min(most - lately, most - queued, MOST_HELD * most - #held)
if cap > 0 then
  local live = redis.call('ZCARD', key('open')) + #held
  if live >= cap then
    return { 'channels', text(epoch), '0', damaged }
  end
  room = math.min(room, cap - live)
end

-- For the report: for how long only the pace kept a campaign's contacts from being dialled.
local waited_s = math.max(0, math.min(now - tonumber(pace_now[3] or 0), 1))
local noted = {}
for _, one in ipairs(held) do
  local campaign = string.match(one, '^(.-)/')
  if campaign and not noted[campaign] then
    noted[campaign] = true
    redis.pcall('HINCRBYFLOAT', key('c', campaign), 'ready_s', exact(waited_s)) -- no more than a figure
  end
end

-- Whose turn it is: who has a contact that goes first, then whoever is without a call for longest,
-- be it since the last one or, for an agent that was never called here, since the list was loaded.
-- Returns the agent, and of a newcomer their first contact as well; nothing when nobody is left,
-- false when it is not the turn of who stood there after all.
local function next_agent(campaign)
  local newcomers, ready = key('c', campaign, 'newcomers'), key('c', campaign, 'ready')
  local n = redis.call('LINDEX', newcomers, 0)
  local turn = n and tonumber(redis.call('ZRANGE', ready, 0, 0, 'WITHSCORES')[2] or nil)
  if turn then
    local since = redis.call(
      'ZREVRANGEBYSCORE', key('c', campaign, 'newcomers_since'), n, '-inf', 'LIMIT', 0, 1)[1]
    n = turn >= tonumber(since or 0) and n
  end
  if not n then
    return redis.call('ZPOPMIN', ready)[1]
  end
  redis.call('LPOP', newcomers)
  local c = read_contact(campaign, n)
  if c.flags ~= NEWCOMER then
    return false
  end
  return c.agent, { n = tonumber(n), c = c }
end

local function open_queue(campaign, agent, first)
  first.c.flags = 0
  write_contact(first.c)
  redis.call('HSET', key('c', campaign, 'heads'), agent, first.n)
end

-- The first contact of this agent whose customer is free; `first` is one that stands at the head of
-- the agent's queue without being in it.
local function pick(campaign, agent, first)
  local ranked, heads = key('c', campaign, 'ranked', agent), key('c', campaign, 'heads')
  for _ = 1, 20 do
    local top = redis.call('ZRANGE', ranked, 0, 0, 'WITHSCORES')
    local rank = tonumber(top[2] or nil)
    local head = not first and not (rank and rank < PLAIN) and redis.call('HGET', heads, agent)
    local plain = first and first.n or tonumber(head or nil)
    local goes_first = rank and rank < rank_among_plain(plain or 0)
    local n, c, left_queue
    if first and not goes_first then
      n, c, first = first.n, first.c, nil
      step_forward(campaign, agent, c)
      c.flags = 0
    elseif head and not goes_first then
      n = plain
      c = read_contact(campaign, n)
      step_forward(campaign, agent, c)
      left_queue = c.state ~= WAITING or not is_plain(c)
    elseif top[1] then
      n = tonumber(top[1])
      c = read_contact(campaign, n)
      redis.call('ZREM', ranked, top[1])
      if first then
        open_queue(campaign, agent, first)
        first = nil
      end
    else
      return
    end
    if left_queue then
      write_contact(c)
    elseif c.state == WAITING then
      if c.expires > 0 and c.expires <= now then
        close_contact(campaign, n, c, 'expired')
      elseif is_suppressed(campaign, c.customer) or is_suppressed(campaign, c.agent) then
        close_contact(campaign, n, c, 'suppressed')
      elseif is_taken(c.customer) then
        redis.call('SADD', key('wanted', c.customer), campaign .. '/' .. n)
        write_contact(c)
      else
        return n, c
      end
    end
  end
end

-- A campaign at its own cap leaves the turns until one of its calls ends.
local function has_room(campaign, most_live)
  if most_live == 0 then
    return true
  end
  write_counts_of(campaign)
  local n = redis.call('HMGET', key('c', campaign, 'counts'), 'released', 'dialing', 'unresolved')
  return tonumber(n[1] or 0) + tonumber(n[2] or 0) + tonumber(n[3] or 0) < most_live
end

local out = { '', text(epoch), '0', damaged }
local clock = tonumber(pace_now[4] or 0)
local turns = room * 4 + 64 -- a bound on work per call; what is left waits for the next one

local function release(campaign, n, c)
  local token = given.token .. '.' .. room
  move(campaign, n, c, RELEASED)
  redis.call('ZADD', key('released'), exact(now + lease_s), campaign .. '/' .. n .. '/' .. token)
  if is_team(c.agent) then
    redis.call('HSET', key('busy'), c.customer, token)
    redis.call('SADD', key('claims', c.agent), token)
    want_agent(campaign, c.agent) -- others of it may be free
  else
    redis.call('HSET', key('busy'), c.agent, token, c.customer, token)
    redis.call('SADD', key('wanted', c.agent), campaign)
  end
  out[#out + 1] = campaign
  out[#out + 1] = n
  out[#out + 1] = token
  room = room - 1
end

-- Lets a campaign release until its turn comes later than that of the next, `others_at`.
-- Returns when its next turn is; nothing when it takes part no longer.
local function take_turns(campaign, others_at)
  require_counts(campaign)
  local rules = redis.call('HMGET', key('c', campaign),
    'state', 'open_from', 'open_until', 'weight', 'priority', 'virtual_time', 'most_live')
  local is_open = rules[1] == 'running' and now >= tonumber(rules[2] or 0)
    and now < tonumber(rules[3] or 0)
  local earlier = -tonumber(rules[5] or 0) * 1e12 -- a higher priority goes first
  local at, most_live = tonumber(rules[6] or 0), tonumber(rules[7] or 0)
  local released_at, goes_on
  repeat
    turns = turns - 1
    local agent, first
    if is_open and has_room(campaign, most_live) then
      agent, first = next_agent(campaign)
    end
    goes_on = agent ~= nil
    if not goes_on then
      break
    elseif agent and is_agent_taken(agent) then
      redis.call('SADD', key('wanted', agent), campaign)
      if first then
        open_queue(campaign, agent, first)
      end
    elseif agent then
      local n, c = pick(campaign, agent, first)
      if n then
        release(campaign, n, c)
        clock = math.max(at, clock)
        at = clock + 1 / tonumber(rules[4] or 1)
        released_at = at
      elseif turn_of(campaign, agent) then
        redis.call('ZADD', key('c', campaign, 'ready'), now, agent)
      end
    end
  until room == 0 or turns == 0 or earlier + at >= others_at
  if released_at then
    redis.call('HSET', key('c', campaign), 'virtual_time', released_at)
  end
  return goes_on and earlier + at
end

while room > 0 and turns > 0 do
  local first = redis.call('ZRANGE', key('turns'), 0, 1, 'WITHSCORES')
  local campaign = first[1]
  if not campaign then
    out[1] = 'nothing'
    break
  end
  local done, at = pcall(take_turns, campaign, tonumber(first[4] or math.huge))
  if not done then
    note_damage('campaign ' .. campaign, at)
    at = nil
    pcall(pause, campaign, 'what Redis has of it is damaged')
  end
  if at then
    redis.call('ZADD', key('turns'), 'XX', at, campaign) -- it may have been completed meanwhile
  else
    redis.call('ZREM', key('turns'), campaign)
  end
end
if #held > 0 or #out > 4 then -- else nobody waits for the pace, and an idle account writes nothing
  redis.call('HSET', key('pace'), 'virtual_clock', clock, 'ticked_at', now)
end
out[4] = damaged
if out[1] == 'nothing' then
  out[3] = text(until_due_s)
end
if is_stopped and #out > 4 then
  redis.call('HSET', key('account'), 'probe_at', text(now + 60), 'probing', 1)
end
return out
