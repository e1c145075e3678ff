-- Take a slot for a look-up: below dials, unless it has waited too long.
-- KEYS 1  prefix
-- GIVEN   TakeSlot in dialer/pacing.py
-- Returns the seconds to wait, as text; '0' when the slot is ours; '-1' when the
-- account's living processes have another allowance.

if is_clock_in_doubt(given.clock_from, given.clock_until) then
  return '0.1'
end
-- Asked again after a lost answer: the request leaves later than the first grant thought, so its
-- lease begins anew. A slot that has run out is no slot.
if tonumber(redis.call('ZSCORE', key('slots'), given.member) or 0) > now then
  redis.call('ZADD', key('slots'), exact(now + given.lease_s), given.member)
  return '0'
end
local theirs = redis.call('HGET', key('account'), 'allowance')
if theirs and theirs ~= given.allowance and redis.call('ZCOUNT', key('terms_seen'), exact(now - 20), '+inf') > 0 then
  return '-1'
end
-- While dialling is held, the slots may have been lost too; once they are sealed, look-ups may go.
local account = redis.call('HMGET', key('account'), 'hold', 'sealed')
if account[1] and not account[2] then
  return '1'
end
local dials_wait = redis.call('ZCARD', key('released')) > 0
if dials_wait then
  if not given.overdue then
    return '1'
  end
  local next_look = tonumber(redis.call('HGET', key('pace'), 'next_look_at') or 0)
  if now < next_look then
    return text(next_look - now)
  end
end
local wait_s = take_slot(given.member, given)
if wait_s > 0 then
  return text(wait_s)
end
if dials_wait then
  redis.call('HSET', key('pace'), 'next_look_at', text(now + given.pause_s))
end
return '0'
