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
local MOST = { calls = given.most_calls, seconds = given.most_seconds, spend = given.most_spend }

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
    local now_used = account_day()[name]
    if MOST[name] > 0 and now_used.used + adds[name] > MOST[name] + now_used.more then
      return name
    end
  end
end

local function count_in_day(id, adds)
  for name, by in pairs(adds) do
    account_day()[name].used = account_day()[name].used + by
    if by ~= 0 then
      redis.call('HINCRBYFLOAT', key('day', given.day), name, by)
    end
  end
  redis.call('EXPIRE', key('day', given.day), 8 * 86400)
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
  redis.call('EXPIRE', key('agent_calls', given.day), 3 * 86400)
  if made >= most then
    go_away(agent, 'full', string.format('%d calls today', made), 'dialer', given.day_ends)
  end
end

local function ask(one)
  local campaign, n, token = one.campaign, one.n, one.token
  local c = read_contact(campaign, n)
  if not c then
    return { 'drop', 'no such contact' }
  end

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
  local holders = redis.call('HMGET', key('busy'), c.agent, c.customer)
  if holders[1] ~= token or holders[2] ~= token
    or not redis.call('ZSCORE', key('released'), release) then
    return { 'drop', 'not ours' }
  end

  -- its worker came through to the gate; see approach.lua
  local was_noted = c.flags > 0
  c.flags = 0
  local function forget_note()
    if was_noted then
      write_contact(campaign, n, c)
    end
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
    free(c.agent, token, 0)
    free(c.customer, token, 0)
    close_contact(campaign, n, c, name)
    return { 'drop', name }
  end

  if is_held_elsewhere(c.agent) or is_held_elsewhere(c.customer) then
    take_back(campaign, n, token, c)
    return { 'drop', 'other account' }
  end
  if is_suppressed(campaign, c.customer) or is_suppressed(campaign, c.agent) then
    return close('suppressed')
  end
  if is_away(c.agent) then
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
  -- Whoever waits is alive: its lease begins anew, or five long waits would look like five deaths.
  local function wait(seconds)
    forget_note()
    redis.call('ZADD', key('released'), text(now + 10), release)
    return { 'wait', seconds }
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

  for _, cap in ipairs(caps and caps.items or {}) do
    redis.call('HINCRBYFLOAT', day_key(campaign, caps, cap), cap[1], cap[2])
    redis.call('EXPIRE', day_key(campaign, caps, cap), 3 * 86400)
  end
  count_in_day(attempt_id, adds)
  count_for_agent(c.agent)
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
  c.made = c.made + 1
  c.charged = c.charged + 1
  move(campaign, n, c, DIALING)
  count(campaign, 'attempts', 1)
  count(campaign, 'charged', 1)
  redis.call('ZREM', key('released'), release)
  redis.call('HSET', key('busy'), c.agent, attempt_id, c.customer, attempt_id)
  hold_for_all(c.agent, now + one.held_s)
  hold_for_all(c.customer, now + one.held_s)
  local attempt = string.gsub(one.attempt, '"<([%l_]+)>"', {
    requested_at = text(now), no = c.made, nonce = '"' .. one.nonce .. '"',
    agent = '"+' .. c.agent .. '"', customer = '"+' .. c.customer .. '"',
  })
  redis.call('HSET', attempts, n .. '-' .. c.made, attempt)
  redis.call('ZADD', key('open'), text(now + given.unknown_after_s), attempt_id)
  return { 'go', attempt, epoch, text(one.until_at - now) }
end

return each(given.contacts, ask)
