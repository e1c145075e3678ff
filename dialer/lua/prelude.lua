-- Shared by every step: keys, the clock, contact records, and how numbers are held and freed.
-- It is put before each script; see dialer/store/keys.py for what every key holds.
-- KEYS 1  prefix of the account's keys, hash tag included

local P = KEYS[1]

local function key(...)
  return P .. table.concat({ ... }, ':')
end

-- Redis' own clock: all hosts share it, and a worker whose clock is wrong harms nobody.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function text(seconds)
  return string.format('%.6f', seconds) -- tostring() keeps 14 digits, too few for microseconds
end

---------------------------------------------------------------- lost state

-- Every intent raises the epoch, and whoever wrote one remembers it. A Redis that is behind what a
-- caller remembers has lost state; one whose run id is new was restarted or failed over to, and may
-- have. Either way nothing is dialled until the hold is released; see dialer/recovery.py.
-- Returns the epoch, or nil when dialling is held.
local function epoch_or_hold(remembered)
  local account = redis.call('HMGET', key('account'), 'run_id', 'epoch', 'hold')
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local epoch = tonumber(account[2] or 0)
  local is_new = not account[1] and remembered == 0
  local lost = remembered > epoch
  if account[1] ~= run_id or lost then
    redis.call('HSET', key('account'), 'run_id', run_id, 'epoch', math.max(epoch, remembered))
    if is_new then
      return epoch
    end
    redis.call('HSET', key('account'), 'hold', lost and 'Redis lost state' or 'Redis was restarted',
      'held_at', text(now))
    if lost then
      redis.call('HSET', key('account'), 'lost', remembered - epoch)
    end
    redis.call('DEL', key('reported'))
    return nil
  end
  if account[3] then
    return nil
  end
  return epoch
end

---------------------------------------------------------------- contacts
-- A contact is 32 bytes in a string of a hundred, so a million cost 32 MB and ten thousand keys.

local PER_CHUNK, BYTES, LAYOUT = 100, 32, '<BBBBhHIIdd'
local WAITING, RELEASED, DIALING, UNRESOLVED, FINAL = 1, 2, 3, 4, 5
local STATE = { 'waiting', 'released', 'dialing', 'unresolved', 'final' }

local function place_of(campaign, n)
  local i = n - 1
  return key('c', campaign, 'contacts', math.floor(i / PER_CHUNK)), (i % PER_CHUNK) * BYTES
end

local function unpack_contact(bytes)
  local c = {}
  c.state, c.outcome, c.charged, c.flags, c.priority, c.made, c.due, c.expires, c.agent, c.customer =
    struct.unpack(LAYOUT, bytes)
  c.agent, c.customer = string.format('%.0f', c.agent), string.format('%.0f', c.customer)
  return c
end

local function read_contact(campaign, n)
  local where, offset = place_of(campaign, n)
  local bytes = redis.call('GETRANGE', where, offset, offset + BYTES - 1)
  if #bytes == BYTES then
    return unpack_contact(bytes)
  end
end

local function write_contact(campaign, n, c)
  local where, offset = place_of(campaign, n)
  redis.call('SETRANGE', where, offset, struct.pack(
    LAYOUT, c.state, c.outcome, c.charged, c.flags, c.priority, c.made, c.due, c.expires,
    tonumber(c.agent), tonumber(c.customer)))
end

local function count(campaign, what, by)
  redis.call('HINCRBY', key('c', campaign, 'counts'), what, by)
end

local function move(campaign, n, c, state)
  count(campaign, STATE[c.state], -1)
  count(campaign, STATE[state], 1)
  c.state = state
  write_contact(campaign, n, c)
end

---------------------------------------------------------------- turns and queues

-- Lets a running, open campaign take turns. One that was away joins at the present virtual time,
-- so that it neither starves nor makes up for its absence.
local function join_turns(campaign)
  local c = redis.call('HMGET', key('c', campaign),
    'state', 'open_from', 'open_until', 'priority', 'virtual_time', 'capped_until')
  if c[1] ~= 'running' or now < tonumber(c[2] or 0) or now >= tonumber(c[3] or 0)
    or now < tonumber(c[6] or 0) then
    return
  end
  local clock = tonumber(redis.call('HGET', key('pace'), 'virtual_clock') or 0)
  local at = math.max(tonumber(c[5] or 0), clock)
  redis.call('ZADD', key('turns'), 'NX', -tonumber(c[4] or 0) * 1e12 + at, campaign)
end

local function is_taken(number)
  return redis.call('HEXISTS', key('busy'), number) == 1
    or tonumber(redis.call('ZSCORE', key('resting'), number) or 0) > now
end

local function is_suppressed(campaign, number)
  return redis.call('HEXISTS', key('suppressed'), number) == 1
    or redis.call('HEXISTS', key('c', campaign, 'suppressed'), number) == 1
end

local function has_queue(campaign, agent)
  return redis.call('EXISTS', key('c', campaign, 'ranked', agent),
    key('c', campaign, 'fresh', agent)) > 0
end

-- The agent has something to do in this campaign: take turns if free, else be called when freed.
local function want_agent(campaign, agent)
  if is_taken(agent) then
    redis.call('SADD', key('wanted', agent), campaign)
  else
    redis.call('ZADD', key('c', campaign, 'ready'), 'NX', now, agent)
    join_turns(campaign)
  end
end

-- Higher priority first, then whoever was due first.
local function queue(campaign, n, c)
  redis.call('ZADD', key('c', campaign, 'ranked', c.agent), -c.priority * 1e11 + c.due, n)
  want_agent(campaign, c.agent)
end

-- Takes a waiting contact out of wherever it waits.
local function leave_queues(campaign, n, c)
  redis.call('LREM', key('c', campaign, 'fresh', c.agent), 1, n)
  redis.call('ZREM', key('c', campaign, 'ranked', c.agent), n)
  redis.call('ZREM', key('later'), campaign .. '/' .. n)
  redis.call('SREM', key('wanted', c.customer), campaign .. '/' .. n)
end

-- Wakes whoever waited for this number: campaigns for their agent, contacts for their customer.
local function wake(number)
  local waiting = redis.call('SMEMBERS', key('wanted', number))
  redis.call('DEL', key('wanted', number))
  for _, one in ipairs(waiting) do
    local campaign, n = string.match(one, '^(.+)/(%d+)$')
    if campaign then
      local c = read_contact(campaign, tonumber(n))
      if c and c.state == WAITING then
        queue(campaign, tonumber(n), c)
      end
    elseif has_queue(one, number) then
      want_agent(one, number)
    end
  end
end

-- Frees a number that `holder` holds, after a rest where one is due; never somebody else's.
local function free(number, holder, rest_s)
  if redis.call('HGET', key('busy'), number) ~= holder then
    return
  end
  redis.call('HDEL', key('busy'), number)
  if rest_s > 0 then
    redis.call('ZADD', key('resting'), now + rest_s, number)
  else
    wake(number)
  end
end

---------------------------------------------------------------- ends

local function finish_campaign_if_done(campaign)
  local left = redis.call('HMGET', key('c', campaign, 'counts'),
    'waiting', 'released', 'dialing', 'unresolved')
  for _, n in ipairs(left) do
    if tonumber(n or 0) ~= 0 then
      return
    end
  end
  local c = redis.call('HMGET', key('c', campaign), 'state', 'ends_as', 'loading')
  if c[3] and c[1] ~= 'cancelling' then
    return -- more of a file is on its way
  end
  local ended = ({ running = 'completed', paused = 'completed', cancelling = c[2] })[c[1]]
  if ended then
    redis.call('HSET', key('c', campaign), 'state', ended, 'ended_at', text(now))
    redis.call('ZREM', key('turns'), campaign)
    redis.call('DEL', key('c', campaign, 'ready'))
  end
end

local function close_contact(campaign, n, c, outcome, name)
  c.outcome = outcome
  move(campaign, n, c, FINAL)
  count(campaign, 'outcome:' .. name, 1)
  finish_campaign_if_done(campaign)
end

-- Puts a contact that is not being dialled back in line: at once, or when it is due. `contact`
-- is closed instead where its campaign is being cancelled: nothing may wait there any more.
local function requeue(campaign, n, c)
  local closing = redis.call('HMGET', key('c', campaign), 'state', 'cancel_code', 'cancel_name')
  if closing[1] == 'cancelling' then
    close_contact(campaign, n, c, tonumber(closing[2]), closing[3])
    return
  end
  move(campaign, n, c, WAITING)
  if c.due > now then
    redis.call('ZADD', key('later'), c.due, campaign .. '/' .. n)
  else
    queue(campaign, n, c)
  end
end

-- Ends a release: the numbers are free and the contact waits again. No call was made.
local function take_back(campaign, n, token, c)
  redis.call('ZREM', key('released'), campaign .. '/' .. n .. '/' .. token)
  free(c.agent, token, 0)
  free(c.customer, token, 0)
  requeue(campaign, n, c)
end

---------------------------------------------------------------- pace

-- The allowance as it stands: provider refusals lower it for a while, nothing raises it.
local function allowance(limit)
  local cut = redis.call('HMGET', key('pace'), 'cut', 'cut_at')
  if not cut[1] then
    return limit
  end
  local left = tonumber(cut[1]) - math.floor((now - tonumber(cut[2])) / 600)
  return math.max(1, limit - math.max(0, left))
end

-- Takes one slot and its place in the even spacing; see dialer/pacing.py for the proof.
-- Returns 0 when taken, else the seconds to wait.
local function take_slot(member, limit, spacing_s, lease_s, slack_s)
  local pace = redis.call('HMGET', key('pace'), 'blocked_until', 'next_at', 'slow_until')
  if now < tonumber(pace[1] or 0) then
    return tonumber(pace[1]) - now
  end
  if now < tonumber(pace[2] or 0) then
    return tonumber(pace[2]) - now
  end
  redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', text(now))
  local held = redis.call('ZCARD', key('slots'))
  if held >= allowance(limit) then
    local first = redis.call('ZRANGE', key('slots'), 0, 0, 'WITHSCORES')
    return math.max(0.001, tonumber(first[2] or now) - now)
  end
  local slow = tonumber(pace[3] or 0)
  if slow > now then
    spacing_s = spacing_s * (1 + (slow - now) / 600) -- half the rate at first, rising
  end
  redis.call('ZADD', key('slots'), text(now + lease_s), member)
  redis.call('HSET', key('pace'), 'next_at',
    text(math.max(tonumber(pace[2] or 0), now - slack_s) + spacing_s))
  local minute = key('sent', math.floor(now / 60))
  redis.call('HINCRBY', minute, math.floor(now), 1)
  redis.call('EXPIRE', minute, 7200)
  return 0
end
