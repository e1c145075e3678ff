-- Somebody looked at Redis' clock. Where it was set, all that ends by it is moved with it, once, whoever
-- sees it first: then nothing ends before it would have. See dialer/store/server_clock.py.
-- KEYS 1  prefix
-- GIVEN   MoveEnds in dialer/store/server_clock.py
-- Returns {how often all was moved; 1 if it was now}

local FORGOTTEN_S = 30 * 86400
local by_s = given.by_s

-- Puts each end of a sorted set elsewhere.
local function move_ends(where, moved)
  local found = redis.call('ZRANGE', where, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do
    redis.call('ZADD', where, exact(moved(tonumber(found[i + 1]))), found[i])
  end
end

-- What may as well end a little late goes either way. What ends in the future by the new clock too was most likely
-- written by it, in the second before anybody saw the step: not to be moved by hours.
local A_MINUTE_S = 60
local function along(ends_at)
  return by_s > A_MINUTE_S and ends_at > now and ends_at or ends_at + by_s
end

-- What must not end early ends later where the clock was set ahead. Where it was set back it does so anyway, and
-- nothing here says for sure by how much: it only lasts no longer than what begins now.
local function no_earlier(ends_at)
  return ends_at + math.max(0, by_s)
end

local function move_slots()
  move_ends(key('slots'), function(ends_at)
    return math.min(no_earlier(ends_at), now + given.slots_kept_s)
  end)
end

-- How fast the account may send: instants to come, and some that are past, which stay so.
local function move_pace()
  for _, name in ipairs({ 'next_at', 'blocked_until', 'slow_until', 'full_until', 'next_look_at' }) do
    local at = tonumber(redis.call('HGET', key('pace'), name) or nil)
    if at then
      redis.call('HSET', key('pace'), name, exact(along(at)))
    end
  end
  for name, where in pairs({ cut_at = 'pace', held_at = 'account', known_until = 'account' }) do
    local at = tonumber(redis.call('HGET', key(where), name) or nil)
    if at then
      redis.call('HSET', key(where), name, text(math.min(along(at), now)))
    end
  end
  local probe_at = tonumber(redis.call('HGET', key('account'), 'probe_at') or nil)
  if probe_at then
    redis.call('HSET', key('account'), 'probe_at', text(along(probe_at)))
  end
end

-- The fields of an attempt up to its quarantine hold no commas; see campaigns/attempt.py.
local FIELD = ',[^,]*'
local UP_TO_REQUEST = '^%[(%d+)(' .. string.rep(FIELD, ATTEMPT.requested_at - 2) .. '),([^,]*)'
local UP_TO_QUARANTINE = '(' .. string.rep(FIELD, ATTEMPT.quarantine_s - ATTEMPT.requested_at - 1) .. ',)([^,%]]*)(.*)$'

-- Has an attempt's call be live for as long as it could be, by the clock as it is now; whoever read it before must
-- read it anew. Where the clock was set back, the request was sooner by it: the provider's list is searched by that.
local function move_quarantine(id)
  local campaign, n, no = string.match(id, '^(.-)%-(%d+)%-(%d+)%-')
  if not no then
    return
  end
  local where, field = key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK)), n .. '-' .. no
  local stored = redis.call('HGET', where, field) or ''
  local version, before, requested_at, between, lasts_s, rest =
    string.match(stored, UP_TO_REQUEST .. UP_TO_QUARANTINE)
  if not version then
    return
  end
  if by_s < 0 then
    requested_at = text(requested_at + by_s)
  else
    lasts_s = text(lasts_s + by_s)
  end
  redis.call('HSET', where, field,
    '[' .. version + 1 .. before .. ',' .. requested_at .. between .. lasts_s .. rest)
end

local function move_phones()
  move_ends(key('ghosts'), no_earlier)
  for _, where in ipairs({ 'resting', 'undisposed', 'released', 'late', 'terms_seen' }) do
    move_ends(key(where), along)
  end
  for _, where in ipairs({ 'wrapping_up', 'parked' }) do
    local known = redis.call('HGETALL', key(where))
    for i = 1, #known, 2 do
      redis.call('HSET', key(where), known[i], text(along(tonumber(known[i + 1]))))
    end
  end
  -- a hold waits for those who were seen when the last one was
  local seen = redis.call('HGETALL', key('hosts'))
  for i = 1, #seen, 2 do
    redis.call('HSET', key('hosts'), seen[i], text(math.min(along(tonumber(seen[i + 1])), now)))
  end
  local waiting = redis.call('HGETALL', key('waits_for_word'))
  for i = 1, #waiting, 2 do
    local id, least = string.match(waiting[i + 1], '^(%S+) (%S+)$')
    if id then
      redis.call('HSET', key('waits_for_word'), waiting[i], id .. ' ' .. text(along(tonumber(least))))
    end
  end
end

-- Each account moves its own phones, and a rest ends for all when it ends for us. Those of others that seem to be
-- over through the step are kept as well: their accounts may see it later than we, and leave those alone that we moved.
local function move_shared()
  local held = redis.call('ZRANGE', SHARED .. 'held_until', 0, -1, 'WITHSCORES')
  for i = 1, #held, 2 do
    local number, ends_at = held[i], tonumber(held[i + 1])
    local is_ours = redis.call('HGET', SHARED .. 'held_by', number) == prefix
    if is_ours and redis.call('HEXISTS', key('busy'), number) == 0 then
      ends_at = tonumber(redis.call('ZSCORE', key('resting'), number) or ends_at)
    elseif is_ours or ends_at <= now then
      ends_at = no_earlier(ends_at)
    end
    redis.call('ZADD', SHARED .. 'held_until', exact(ends_at), number)
  end
end

local moves = tonumber(redis.call('HGET', key('account'), 'moves') or 0)
if moves ~= given.moves then
  return { moves, 0 }
end
if by_s ~= 0 then
  moves = redis.call('HINCRBY', key('account'), 'moves', 1)
  move_slots()
  move_pace()
  for _, id in ipairs(redis.call('ZRANGE', key('open'), 0, -1)) do
    move_quarantine(id)
  end
  move_ends(key('open'), along)
  move_phones()
  if given.is_told then
    redis.call('HSET', key('account'), 'set_by', text(by_s), 'set_at', text(now))
  end
  if SHARED then
    move_shared()
  end
end
if given.machine then
  for _, machine in ipairs(redis.call('HKEYS', key('clocks'))) do
    local seen = string.match(redis.call('HGET', key('clocks'), machine), '%S+$')
    if tonumber(seen) < now - FORGOTTEN_S then
      redis.call('HDEL', key('clocks'), machine)
    end
  end
  redis.call('HSET', key('clocks'), given.machine, text(given.apart_s) .. ' ' .. moves .. ' ' .. text(now))
end
return { moves, by_s ~= 0 and 1 or 0 }
