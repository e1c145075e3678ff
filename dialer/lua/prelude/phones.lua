-- Who may be rung: busy, resting, on a call of another account, away, never to be called.

-- Phones that accounts share: which of them has a number on a call, or resting after one, and until
-- when. A call that is forgotten, or whose account is gone, holds its numbers no longer than it could
-- have lasted. Whoever is held elsewhere is looked at again a little later: nobody there wakes us.
local LOOK_AGAIN_S = 2

local function is_held_elsewhere(number)
  if not SHARED
    or tonumber(redis.call('ZSCORE', SHARED .. 'held_until', number) or 0) <= now
    or redis.call('HGET', SHARED .. 'held_by', number) == prefix then
    return false
  end
  redis.call('ZADD', key('resting'), 'GT', now + LOOK_AGAIN_S, number)
  return true
end

local function let_go_for_all(number)
  redis.call('ZREM', SHARED .. 'held_until', number)
  redis.call('HDEL', SHARED .. 'held_by', number)
end

-- For the gate, which knows that Redis' clock is right: where it was just set ahead, all seem to be over.
local function forget_who_is_over_for_all()
  if SHARED then
    for _, over in ipairs(redis.call('ZRANGEBYSCORE', SHARED .. 'held_until', '-inf', now, 'LIMIT', 0, 4)) do
      let_go_for_all(over)
    end
  end
end

local function hold_for_all(number, until_at)
  if SHARED then
    redis.call('ZADD', SHARED .. 'held_until', until_at, number)
    redis.call('HSET', SHARED .. 'held_by', number, prefix)
  end
end

local function is_taken(number)
  return redis.call('HEXISTS', key('busy'), number) == 1
    or tonumber(redis.call('ZSCORE', key('resting'), number) or 0) > now
    or is_held_elsewhere(number)
end

-- Who is on a break, off, out of their shift or done for the day; `until` is the score. Where nobody is,
-- that is asked once a script and costs nothing more.
local some_away

local function is_away(agent)
  if some_away == nil then
    some_away = redis.call('EXISTS', key('away')) == 1
  end
  return some_away and tonumber(redis.call('ZSCORE', key('away'), agent) or 0) > now
end

local suppressions = {} -- lists of numbers that must not be rung -> whether there are any

local function is_on(list, number)
  if suppressions[list] == nil then
    suppressions[list] = redis.call('EXISTS', list) == 1
  end
  return suppressions[list] and redis.call('HEXISTS', list, number) == 1
end

local function is_suppressed_for_all(number)
  return is_on(key('suppressed'), number) or SHARED and is_on(SHARED .. 'suppressed', number)
end

local function is_suppressed(campaign, number)
  return is_suppressed_for_all(number) or is_on(key('c', campaign, 'suppressed'), number)
end
