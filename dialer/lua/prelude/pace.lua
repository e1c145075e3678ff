-- The limit of the account: slots in its window, and when the gate is closed.

-- The allowance as it stands: provider refusals lower it for a while, nothing raises it.
local function allowance(limit, cut, cut_at)
  if not cut then
    return limit
  end
  local left = tonumber(cut) - math.floor((now - tonumber(cut_at)) / 600)
  return math.max(1, limit - math.max(0, left))
end

-- Closes the account's gate for so long; whoever closed it for longer is heeded.
local function close_gate(seconds)
  local closed_until = tonumber(redis.call('HGET', key('pace'), 'blocked_until') or 0)
  redis.call('HSET', key('pace'), 'blocked_until', text(math.max(now + seconds, closed_until)))
end

-- How fast the account may send: read once a script, written once at its end.
local pace_read
local function pace(limit)
  if not pace_read then
    local p = redis.call('HMGET', key('pace'),
      'blocked_until', 'next_at', 'slow_until', 'cut', 'cut_at')
    redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', now)
    pace_read = {
      blocked_until = tonumber(p[1] or 0), next_at = tonumber(p[2] or 0),
      slow_s = tonumber(p[3] or 0) - now, allowed = allowance(limit, p[4], p[5]),
      held = redis.call('ZCARD', key('slots')), granted = 0,
    }
  end
  return pace_read
end

-- Takes one slot and its place in the even spacing; see dialer/pacing.py for the proof.
-- Returns 0 when taken, else the seconds to wait.
local function take_slot(member, allowance)
  local p = pace(allowance.requests)
  local wait_s = math.max(p.blocked_until, p.next_at) - now
  if wait_s > 0 then
    return wait_s
  end
  if p.held >= p.allowed then
    local first = redis.call('ZRANGE', key('slots'), 0, 0, 'WITHSCORES')
    return math.max(0.001, tonumber(first[2] or now) - now)
  end
  redis.call('ZADD', key('slots'), exact(now + allowance.lease_s), member)
  p.held, p.granted = p.held + 1, p.granted + 1
  local spacing_s = allowance.spacing_s
  if p.slow_s > 0 then
    spacing_s = spacing_s * (1 + p.slow_s / 600) -- half the rate at first, rising
  end
  p.next_at = math.max(p.next_at, now - allowance.slack_s) + spacing_s
  return 0
end

local function write_pace()
  if pace_read and pace_read.granted > 0 then
    redis.call('HSET', key('pace'), 'next_at', exact(pace_read.next_at))
    local minute = key('sent', math.floor(now / 60))
    if redis.call('HINCRBY', minute, math.floor(now), pace_read.granted) == pace_read.granted then
      redis.call('EXPIRE', minute, 7200) -- by the first of a second
    end
  end
end
