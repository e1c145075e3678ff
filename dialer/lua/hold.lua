-- Set, end, or seal a hold. Two may stand side by side: a person's, and the one that any script sets
-- where Redis may have lost writes. Each ends by its id, so that nobody ends another than they saw.
-- KEYS 1  prefix
-- GIVEN   ChangeHold in dialer/store/holds.py
-- Returns 1 when it was done, 0 when another hold stands than was named, or another host came.

epoch_or_hold(given.epoch) -- a Redis that has just failed over has another hold than was read
local HAND = { 'hand', 'hand_id', 'hand_at' }
local MACHINE = { 'hold', 'lost', 'sealed', 'unplaced', 'known_until' }

-- As an earlier version wrote a hold by hand: in the machine's place.
if redis.call('HDEL', key('account'), 'by_hand') == 1 then
  local was = redis.call('HMGET', key('account'), 'hold', 'held_at')
  redis.call('HSET', key('account'), 'hand', was[1], 'hand_at', was[2], 'hand_id', '-')
  redis.call('HDEL', key('account'), unpack(MACHINE))
end

local function stands(why, id)
  local found = redis.call('HMGET', key('account'), why, id)
  return found[1] and (found[2] or '-') or nil -- one that an earlier version set has no id
end

if given.what == 'set' then
  local id = text(now) .. '/' .. redis.call('HINCRBY', key('account'), 'holds', 1)
  redis.call('HSET', key('account'), 'hand', given.why, 'hand_id', id, 'hand_at', text(now))
  event('account.held', nil, nil, nil, given.why)
  return 1
end

if given.what == 'release' then
  local by_hand, by_machine = stands('hand', 'hand_id'), stands('hold', 'hold_id')
  local is_other = given.hand and by_hand and by_hand ~= given.hand
    or given.machine and by_machine and by_machine ~= given.machine
  if is_other then
    return 0
  end
  local ended = 0
  if given.hand then
    ended = ended + redis.call('HDEL', key('account'), unpack(HAND))
  end
  if given.machine then
    ended = ended + redis.call('HDEL', key('account'), unpack(MACHINE))
  end
  if ended > 0 then
    event('account.released')
  end
  return ended > 0 and 1 or 0
end

if stands('hold', 'hold_id') ~= given.machine then
  return 0
end
if given.what == 'end' then
  local known = {}
  for _, host in ipairs(given.hosts) do
    known[host] = true
  end
  for _, host in ipairs(redis.call('HKEYS', key('hosts'))) do
    if not known[host] then
      return 0 -- it came meanwhile, and has not told what it sent
    end
  end
  redis.call('HDEL', key('account'), unpack(MACHINE))
  event('account.released')
  return 1
end

if given.what == 'unplaced' then
  redis.call('HSET', key('account'), 'unplaced', given.rows)
  return 1
end

-- Slots that may have been lost: by the spacing at most one request was sent every so many
-- seconds, so as many phantom slots, ending as far apart, cover whatever was sent.
if redis.call('HSETNX', key('account'), 'sealed', 1) == 0 then
  return 0
end
for i = 1, given.requests do
  redis.call('ZADD', key('slots'), exact(now + given.answer_s + i * given.spacing_s), 'phantom/' .. i)
end
return 1
