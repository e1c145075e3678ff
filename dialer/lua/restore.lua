-- Bring back an attempt that a worker's journal knows and Redis has lost: its request may have left.
-- Attempts of one contact, and of one agent, come back in any order, from several hosts: a contact
-- stands where its last one left it, and a number belongs to the latest call.
-- KEYS 1  prefix
-- GIVEN   Restore in dialer/dialing/restoring.py
-- Returns 1 when it was missing; 2 when it may be among those that are packed, which no script reads.

local id, campaign, n, no = given.id, given.campaign, given.n, given.no

local function attempts_of(campaign, n)
  return key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK))
end

local attempts = attempts_of(campaign, n)
local stored, packed = unpack(redis.call('HMGET', attempts, n .. '-' .. no, 'packed'))
if stored and cjson.decode(stored)[ATTEMPT.nonce] == given.nonce then
  return 0
end
if given.ends_at <= now then
  return 0 -- no call of it can be live any more
end
if redis.call('HEXISTS', key('c', campaign), 'archived_at') == 1 then
  return 0 -- it left Redis with its campaign
end
if packed and not stored then
  return 2
end

local requested_at = cjson.decode(given.attempt)[ATTEMPT.requested_at]
local function is_held_by_later(number, holder)
  local its_campaign, its_n, its_no, its_nonce =
    string.match(holder or '', '^(%w+)%-(%d+)%-(%d+)%-(%w+)$')
  if not its_campaign then
    return false -- it is free, or only released: no call was made
  elseif its_campaign == campaign and tonumber(its_n) == n then
    return tonumber(its_no) > no
  end
  local its = redis.call('HGET', attempts_of(its_campaign, tonumber(its_n)), its_n .. '-' .. its_no)
  its = its and cjson.decode(its)
  if its and its[ATTEMPT.nonce] == its_nonce then
    return its[ATTEMPT.requested_at] > requested_at
  end
  return tonumber(redis.call('ZSCORE', key('ghosts'), number .. '/' .. holder) or 0) > given.ends_at
end

-- Returns whether the number was somebody else's, and is this attempt's now.
local function hold_number(number)
  if number == '0' then
    return false -- nobody knows who of a team was rung
  end
  local holder = redis.call('HGET', key('busy'), number)
  if holder == id or is_held_by_later(number, holder) then
    return false
  end
  redis.call('HSET', key('busy'), number, id)
  hold_for_all(number, given.ends_at)
  return true
end

local function note_loss()
  if account().hold then
    redis.call('HSETNX', key('account'), 'lost', 1)
  elseif given.holds then
    hold_account('a host remembers calls that Redis lost', 1)
  end
  if given.counts_until > now then
    redis.call('ZADD', key('slots'), given.counts_until, id)
  end
end

local c = read_contact(campaign, n)
if not c or stored or c.customer ~= given.customer then
  -- there is no place for it: keep its two numbers from being rung meanwhile
  local added = 0
  for _, number in ipairs({ given.agent, given.customer }) do
    if hold_number(number) then
      redis.call('ZADD', key('ghosts'), given.ends_at, number .. '/' .. id)
      added = 1
    end
  end
  if added == 1 then
    note_loss()
  end
  return added
end

note_loss()
redis.call('HSET', attempts, n .. '-' .. no, given.attempt)
redis.call('ZADD', key('open'), now, id)
count(campaign, 'attempts', 1)
count(campaign, 'charged', 1)
c.charged = c.charged + 1
if no < c.made then
  write_contact(c) -- a later one says where it stands
else
  c.made = no
  if c.state == WAITING then
    leave_queues(campaign, n, c)
  elseif c.state == RELEASED then
    local token = redis.call('HGET', key('busy'), c.customer) or ''
    redis.call('ZREM', key('released'), campaign .. '/' .. n .. '/' .. token)
    if is_team(c.agent) and redis.call('SREM', key('claims', c.agent), token) == 1 then
      wake(c.agent)
    end
  elseif c.state == OPEN then
    redis.call('ZREM', key('undisposed'), campaign .. '/' .. n)
  end
  if c.state == FINAL then
    write_contact(c) -- it was closed meanwhile, and stays so
  else
    move(campaign, n, c, UNRESOLVED)
  end
end
hold_number(given.agent)
hold_number(given.customer)
return 1
