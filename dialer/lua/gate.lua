-- The last check before requests leave. On yes, everything a request uses is taken in this one step,
-- and its intent is written; on no, nothing is written but the contact's return.
-- KEYS 1  prefix
-- GIVEN   AskGate in dialer/dialing/question.py
-- Returns for each contact {'go', attempt JSON, epoch, seconds until its window closes} | {'wait', s} |
-- {'stale_rules'} | {'drop', why} | {'failed', why}

local other_terms = not has_terms(given.terms)
local held = not epoch_or_hold(given.epoch)
local epoch = account().epoch
local rules_read = {}

local function rules_of(campaign)
  if not rules_read[campaign] then
    rules_read[campaign] = redis.call('HMGET', key('c', campaign), 'state', 'rules_version', 'size',
      'confirmed', 'added', 'added_confirmed')
  end
  return rules_read[campaign]
end

local function day_key(campaign, caps, cap)
  return cap[4] == 'number' and key('calls', caps.day) or key('c', campaign, 'day', caps.day)
end

-- What the account used of its day: read once a script, kept up with what passes here.
local day_read
local most = { calls = given.most_calls, seconds = given.most_seconds, spend = given.most_spend }

local function account_day()
  if not day_read then
    local d = redis.call('HMGET', key('day', given.day), 'calls', 'seconds', 'spend',
      'added_calls', 'added_seconds', 'added_spend')
    day_read = {}
    for i, name in ipairs({ 'calls', 'seconds', 'spend' }) do
      day_read[name] = { used = tonumber(d[i] or 0), more = tonumber(d[i + 3] or 0) }
    end
  end
  return day_read
end

-- Tells which cap of the account's day this call would pass.
local function account_cap(adds)
  for _, name in ipairs({ 'calls', 'seconds', 'spend' }) do
    local now_used = most[name] > 0 and account_day()[name]
    if now_used and now_used.used + adds[name] > most[name] + now_used.more then
      return name
    end
  end
end

local function count_in_day(id, adds)
  local day = key('day', given.day)
  for name, by in pairs(day_read and adds or {}) do
    day_read[name].used = day_read[name].used + by
  end
  if redis.call('HINCRBY', day, 'calls', adds.calls) == adds.calls then
    redis.call('EXPIRE', day, 8 * 86400)
  end
  redis.call('HINCRBY', day, 'seconds', adds.seconds)
  if adds.spend ~= 0 then
    redis.call('HINCRBYFLOAT', day, 'spend', adds.spend)
  end
  redis.call('HINCRBY', key('hours'), math.floor(now / 3600), 1)
  redis.call('HSET', key('counted'), id,
    given.day .. ' ' .. string.format('%.0f', adds.seconds) .. ' ' .. string.format('%.17g', adds.spend))
end

-- Who had their calls of the day is away until the next.
local some_capped
local function count_for_agent(agent)
  if some_capped == nil then
    some_capped = redis.call('EXISTS', key('most_calls')) == 1
  end
  local most = some_capped and tonumber(redis.call('HGET', key('most_calls'), agent) or nil)
  if not most then
    return
  end
  local made = redis.call('HINCRBY', key('agent_calls', given.day), agent, 1)
  if made == 1 then
    redis.call('EXPIRE', key('agent_calls', given.day), 3 * 86400)
  end
  if made >= most then
    go_away(agent, 'full', string.format('%d calls today', made), 'dialer', given.day_ends)
  end
end

local LOOK_FOR_AGENT_AGAIN_S = 60
local MOST_LOOKED_AT = 200 -- members who are not as was believed, in one step

local function is_of(id, number)
  for _, member in ipairs(team_of(id).agents or {}) do
    if member == number then
      return true
    end
  end
  return redis.call('SISMEMBER', key('members', id), number) == 1
end

-- Who of a team is rung: whom the caller prefers, else in a group who is idle for longest, and of
-- stand-ins the first. Returns nothing when nobody is free, and whether somebody would be but for a list
-- of numbers that are not rung.
local function choose(campaign, id, preferred)
  local standing = team_of(id).agents and standing_ready(id)
  local is_unfit = false
  local function fits(member)
    local is_listed = is_suppressed(campaign, member)
    is_unfit = is_unfit or is_listed
    return not is_listed
  end
  if preferred and not standing and redis.call('ZSCORE', key('free_of', id), preferred)
    and not is_member_taken(preferred) and fits(preferred) then
    return preferred
  end
  for _, member in ipairs(standing or {}) do
    if fits(member) then
      return member
    end
  end
  local passed = 0
  for _ = 1, standing and 0 or MOST_LOOKED_AT do
    local first = redis.call('ZRANGE', key('free_of', id), passed, passed, 'WITHSCORES')
    local member = first[1]
    if not member then
      break
    end
    local idle_since = tonumber(redis.call('HGET', key('idle_since'), member) or 0)
    if is_member_taken(member) then
      redis.call('ZREM', key('free_of', id), member)
      await_member(id, member)
    elseif idle_since > tonumber(first[2]) then
      redis.call('ZADD', key('free_of', id), exact(idle_since), member) -- another team rang them
    elseif fits(member) then
      return member
    elseif is_suppressed_for_all(member) then
      -- no campaign rings them: they are looked at again later, and not by each gate until then
      redis.call('ZREM', key('free_of', id), member)
      redis.call('ZADD', key('resting'), 'GT', now + LOOK_FOR_AGENT_AGAIN_S, member)
      await_member(id, member)
    else
      passed = passed + 1
    end
  end
  return nil, is_unfit
end

-- Who spoke with this customer last, in an earlier attempt of this contact.
local function who_spoke(attempts, n, c)
  for no = c.made, math.max(1, c.made - 9), -1 do
    local told = redis.call('HGET', attempts, n .. '-' .. no)
    told = told and cjson.decode(told)
    if told and told[ATTEMPT.outcome] == 'connected' then
      return string.sub(told[ATTEMPT.agent], 2)
    end
  end
end

local function ask(one)
  local campaign, n, token = one.campaign, one.n, one.token
  local c = read_contact(campaign, n)
  if not c then
    return { 'drop', 'no such contact' }
  end
  require_counts(campaign)

  -- The same execution asking again: its first answer was lost on the way.
  local attempts = key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK))
  if c.state == DIALING and c.made > 0 then
    local last = redis.call('HGET', attempts, n .. '-' .. c.made)
    if last and cjson.decode(last)[ATTEMPT.nonce] == one.nonce then
      return { 'go', last, epoch, text(one.until_at - now) }
    end
  end

  local release = campaign .. '/' .. n .. '/' .. token
  if c.state ~= RELEASED then
    return { 'drop', 'not ours' }
  end
  local team = is_team(c.agent) and c.agent
  local holders = redis.call('HMGET', key('busy'), c.agent, c.customer)
  local has_agent = holders[1] == token
    or team and redis.call('SISMEMBER', key('claims', team), token) == 1
  if not has_agent or holders[2] ~= token
    or not redis.call('ZSCORE', key('released'), release) then
    return { 'drop', 'not ours' }
  end

  -- its worker came through to the gate; see approach.lua
  local was_noted = c.flags > 0
  c.flags = 0
  local function forget_note()
    if was_noted then
      write_contact(c)
    end
  end

  -- Whoever waits is alive: its lease begins anew, or five long waits would look like five deaths.
  local function wait(seconds)
    forget_note()
    redis.call('ZADD', key('released'), exact(now + 10), release)
    return { 'wait', seconds }
  end

  if is_clock_in_doubt(given.clock_from, given.clock_until) then
    return wait('0.1')
  end
  local rules = rules_of(campaign)
  local closed = held and 'hold' or other_terms and 'other settings'
    or (account().stopped and not account().probing) and 'stopped'
  if closed or rules[1] ~= 'running' then
    take_back(campaign, n, token, c)
    return { 'drop', closed or rules[1] }
  end
  if tonumber(rules[2]) ~= one.rules_version then
    forget_note()
    return { 'stale_rules' }
  end
  local size, second_above = tonumber(rules[3] or 0), given.second_above
  local pauses, added_since = one.pauses, tonumber(rules[5] or 0) - tonumber(rules[6] or 0)
  if not pauses and needs_second(size, second_above, rules[4], added_since) then
    pauses = string.format('%d contacts wait for a second person who starts it', size)
  end
  if pauses then
    pause(campaign, pauses)
    rules[1] = 'paused'
    take_back(campaign, n, token, c)
    return { 'drop', 'paused' }
  end

  local function close(name)
    redis.call('ZREM', key('released'), release)
    let_go(c, token)
    close_contact(campaign, n, c, name)
    return { 'drop', name }
  end

  if not team and is_held_elsewhere(c.agent) or is_held_elsewhere(c.customer) then
    take_back(campaign, n, token, c)
    return { 'drop', 'other account' }
  end
  if is_suppressed(campaign, c.customer) or is_suppressed(campaign, c.agent) then
    return close('suppressed')
  end
  local agent = c.agent -- whoever is rung
  if team then
    local preferred = one.same_agent and (who_spoke(attempts, n, c) or who_spoke_lately(c.customer))
    local is_unfit
    agent, is_unfit = choose(campaign, team, preferred)
    if not agent then
      if is_unfit or is_of(team, c.customer) then
        c.due = math.floor(now) + LOOK_FOR_AGENT_AGAIN_S -- nobody tells when that ends
      end
      take_back(campaign, n, token, c)
      return { 'drop', 'no agent free' }
    end
  elseif is_away(agent) then
    take_back(campaign, n, token, c)
    return { 'drop', 'agent away' }
  end
  if one.objection then
    return close(one.objection)
  end
  if c.expires > 0 and c.expires <= now then
    return close('expired')
  end
  if now < one.from_at or now >= one.until_at then
    if one.opens_at == 0 then
      return close('outside_hours')
    end
    -- a second later at least: a caller whose clock is wrong may name an instant that is past
    c.due = math.max(math.ceil(one.opens_at), math.floor(now) + 2)
    take_back(campaign, n, token, c)
    return { 'drop', 'outside hours' }
  end
  if given.most_live > 0 and redis.call('ZCARD', key('open')) >= given.most_live then
    return wait('0.2')
  end

  local adds = { calls = 1, seconds = one.lasts_s, spend = one.costs }
  local reached = account_cap(adds)
  if reached then
    redis.call('HSET', key('account'), 'capped_by', reached, 'capped_until', given.day_ends)
    if account().capped_by ~= reached or now >= account().capped_until then
      account().capped_by, account().capped_until = reached, math.huge
      event('account.capped', nil, nil, nil, reached)
    end
    take_back(campaign, n, token, c)
    return { 'drop', 'account cap ' .. reached }
  end

  local caps = one.caps and cjson.decode(one.caps)
  for _, cap in ipairs(caps and caps.items or {}) do
    local used = tonumber(redis.call('HGET', day_key(campaign, caps, cap), cap[1]) or 0)
    if used + cap[2] > cap[3] then
      if cap[4] == 'campaign' then
        redis.call('HSET', key('c', campaign), 'capped_until', caps.next, 'capped_by', cap[1])
        redis.call('ZREM', key('turns'), campaign)
      else
        c.due = caps.next
      end
      take_back(campaign, n, token, c)
      return { 'drop', 'cap ' .. cap[1] }
    end
  end

  local attempt_id = campaign .. '-' .. n .. '-' .. (c.made + 1) .. '-' .. one.nonce
  local wait_s = take_slot(attempt_id, given)
  if wait_s > 5 then
    -- nothing can go for a while: let the feeder wait too
    redis.call('HSET', key('pace'), 'full_until', text(now + wait_s - 3))
    take_back(campaign, n, token, c) -- the account is blocked for long: do not sit on the contact
    return { 'drop', 'blocked' }
  elseif wait_s > 0 then
    return wait(text(wait_s))
  end

  c.made = c.made + 1
  local attempt = string.gsub(one.attempt, '"<([%l_]+)>"', {
    requested_at = text(now), no = c.made, nonce = '"' .. one.nonce .. '"',
    agent = '"+' .. agent .. '"', customer = '"+' .. c.customer .. '"', team = c.team,
  })
  -- first of all: where it cannot be written nothing is done by half
  redis.call('HSET', attempts, n .. '-' .. c.made, attempt)
  for _, cap in ipairs(caps and caps.items or {}) do
    redis.call('HINCRBYFLOAT', day_key(campaign, caps, cap), cap[1], cap[2])
    redis.call('EXPIRE', day_key(campaign, caps, cap), 3 * 86400)
  end
  count_in_day(attempt_id, adds)
  if account().terms == '' and given.terms ~= '' then
    -- who dials first says what the account's are, before whoever has others can dial too
    redis.call('HSET', key('account'), 'terms', given.terms)
    account().terms = given.terms
  end
  if account().probing then
    redis.call('HDEL', key('account'), 'probing')
    account().probing = nil -- one is enough to find out
  end
  epoch = redis.call('HINCRBY', key('account'), 'epoch', 1)
  c.charged = c.charged + 1
  move(campaign, n, c, DIALING)
  count(campaign, 'attempts', 1)
  count(campaign, 'charged', 1)
  redis.call('ZREM', key('released'), release)
  redis.call('HSET', key('busy'), agent, attempt_id, c.customer, attempt_id)
  if team then
    redis.call('SREM', key('claims', team), token)
    redis.call('ZREM', key('free_of', team), agent)
    await_member(team, agent)
  end
  count_for_agent(agent)
  forget_who_is_over_for_all()
  hold_for_all(agent, now + one.held_s)
  hold_for_all(c.customer, now + one.held_s)
  redis.call('ZADD', key('open'), exact(now + given.unknown_after_s), attempt_id)
  return { 'go', attempt, epoch, text(one.until_at - now) }
end

-- A worker that asks lives: what Redis has of a contact may be damaged, and that is no death on the way here.
local function ask_alive(one)
  local done, answer = pcall(ask, one)
  if done then
    return answer
  end
  local c = read_contact(one.campaign, one.n)
  if c and c.state == RELEASED and c.flags > 0 then
    c.flags = 0
    write_contact(c)
  end
  error(answer, 0)
end

return each(given.contacts, ask_alive)
