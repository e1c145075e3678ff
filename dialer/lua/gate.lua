-- The last check before a request leaves. On yes, everything it uses is taken in this one step,
-- and the intent is written; on no, nothing is written but the contact's return.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  contact  3  release token  4  nonce of this execution
--      5  rules version the caller holds  6  the call's open window, from  7  until  8  next open
--         instant after it, 0 = never (all epoch s)
--      9  most requests per window  10  spacing, s  11  slot lease, s  12  spacing slack, s
--     13  most calls live, 0 = no cap
--     14  seconds after which a request without answer is unknown
--     15  the attempt as JSON, to be completed with instant, number, nonce and the pair
--     16  outcome code of suppressed    17  of outside_hours
--     18  daily caps, JSON or '': {day, next (epoch s of the next day),
--         items: [name, what this call adds, most, 'campaign' | 'number' | 'country']}
--     19  '' or the outcome code that the caller's own check closes the contact with  20  its name
--     21  the epoch the caller remembers  22  outcome code of expired
-- Returns {'go', attempt JSON, epoch} | {'wait', s} | {'stale_rules'} | {'drop', why}

local campaign, n, token, nonce = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local c = read_contact(campaign, n)
if not c then
  return { 'drop', 'no such contact' }
end

-- The same execution asking again: its first answer was lost on the way.
local attempts = key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK))
if c.state == DIALING and c.made > 0 then
  local last = redis.call('HGET', attempts, n .. '-' .. c.made)
  if last and cjson.decode(last)[5] == nonce then
    return { 'go', last, redis.call('HGET', key('account'), 'epoch') }
  end
end

local release = campaign .. '/' .. n .. '/' .. token
if c.state ~= RELEASED or redis.call('HGET', key('busy'), c.agent) ~= token
  or redis.call('HGET', key('busy'), c.customer) ~= token
  or not redis.call('ZSCORE', key('released'), release) then
  return { 'drop', 'not ours' }
end

local rules = redis.call('HMGET', key('c', campaign), 'state', 'rules_version')
if c.flags > 0 then
  c.flags = 0 -- its worker came through to the gate; see approach.lua
  write_contact(campaign, n, c)
end

local account = redis.call('HMGET', key('account'), 'stopped', 'probing')
local closed = not epoch_or_hold(tonumber(ARGV[21])) and 'hold'
  or (account[1] and not account[2]) and 'stopped'
if closed or rules[1] ~= 'running' then
  take_back(campaign, n, token, c)
  return { 'drop', closed or rules[1] }
end
if rules[2] ~= ARGV[5] then
  return { 'stale_rules' }
end

local function close(code, name)
  redis.call('ZREM', key('released'), release)
  free(c.agent, token, 0)
  free(c.customer, token, 0)
  close_contact(campaign, n, c, tonumber(code), name)
  return { 'drop', name }
end

if is_suppressed(campaign, c.customer) or is_suppressed(campaign, c.agent) then
  return close(ARGV[16], 'suppressed')
end
if ARGV[19] ~= '' then
  return close(ARGV[19], ARGV[20])
end
if c.expires > 0 and c.expires <= now then
  return close(ARGV[22], 'expired')
end
if now < tonumber(ARGV[6]) or now >= tonumber(ARGV[7]) then
  local opens = tonumber(ARGV[8])
  if opens == 0 then
    return close(ARGV[17], 'outside_hours')
  end
  -- a second later at least: a caller whose clock is wrong may name an instant that is past
  c.due = math.max(math.ceil(opens), math.floor(now) + 2)
  take_back(campaign, n, token, c)
  return { 'drop', 'outside hours' }
end
-- Whoever waits is alive: its lease begins anew, or five long waits would look like five deaths.
local function wait(seconds)
  redis.call('ZADD', key('released'), text(now + 10), release)
  return { 'wait', seconds }
end

local cap = tonumber(ARGV[13])
if cap > 0 and redis.call('ZCARD', key('open')) >= cap then
  return wait('0.2')
end

local function day_key(caps, cap)
  return cap[4] == 'number' and key('calls', caps.day) or key('c', campaign, 'day', caps.day)
end

local caps = ARGV[18] ~= '' and cjson.decode(ARGV[18])
for _, cap in ipairs(caps and caps.items or {}) do
  local used = tonumber(redis.call('HGET', day_key(caps, cap), cap[1]) or 0)
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

local attempt_id = campaign .. '-' .. n .. '-' .. (c.made + 1) .. '-' .. nonce
local wait_s = take_slot(attempt_id, tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]),
  tonumber(ARGV[12]))
if wait_s > 5 then
  -- nothing can go for a while: let the feeder wait too
  redis.call('HSET', key('pace'), 'full_until', text(now + wait_s - 3))
  take_back(campaign, n, token, c) -- the account is blocked for long: do not sit on the contact
  return { 'drop', 'blocked' }
elseif wait_s > 0 then
  return wait(text(wait_s))
end

for _, cap in ipairs(caps and caps.items or {}) do
  redis.call('HINCRBYFLOAT', day_key(caps, cap), cap[1], cap[2])
  redis.call('EXPIRE', day_key(caps, cap), 3 * 86400)
end
redis.call('HDEL', key('account'), 'probing')
local epoch = redis.call('HINCRBY', key('account'), 'epoch', 1)
c.made = c.made + 1
c.charged = c.charged + 1
move(campaign, n, c, DIALING)
count(campaign, 'attempts', 1)
count(campaign, 'charged', 1)
redis.call('ZREM', key('released'), release)
redis.call('HSET', key('busy'), c.agent, attempt_id, c.customer, attempt_id)
local attempt = cjson.decode(ARGV[15])
attempt[3] = now
attempt[4] = c.made
attempt[5] = nonce
attempt[6], attempt[7] = '+' .. c.agent, '+' .. c.customer
attempt = cjson.encode(attempt)
redis.call('HSET', attempts, n .. '-' .. c.made, attempt)
redis.call('ZADD', key('open'), text(now + tonumber(ARGV[14])), attempt_id)
return { 'go', attempt, epoch }
