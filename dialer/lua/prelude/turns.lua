-- Campaigns that run take turns; a feeder that waits is called.

-- Calls a feeder, which waits for this while it has nothing to do; see dialer/dialing/releasing.py: there is
-- somebody to ring, or campaigns are otherwise than they were, and it is to look at them. That is not lost
-- behind a call that nobody has heard yet.
local WORK, LOOK = 'work', 'look'

local function call_feeder(what)
  local last = redis.call('LINDEX', key('calls_feeder'), -1)
  if not last or (what == LOOK and last ~= LOOK) then
    redis.call('RPUSH', key('calls_feeder'), what)
  end
end

-- Lets a running, open campaign take turns. One that was away joins at the present virtual time,
-- so that it neither starves nor makes up for its absence.
-- Returns whether it has joined now; a feeder is called then, unless it is the feeder that asks.
local function let_join_turns(campaign)
  if redis.call('ZSCORE', key('turns'), campaign) then
    return
  end
  local c = redis.call('HMGET', key('c', campaign),
    'state', 'open_from', 'open_until', 'priority', 'virtual_time', 'capped_until')
  if c[1] ~= 'running' or now < tonumber(c[2] or 0) or now >= tonumber(c[3] or 0)
    or now < tonumber(c[6] or 0) then
    return
  end
  local clock = tonumber(redis.call('HGET', key('pace'), 'virtual_clock') or 0)
  local at = math.max(tonumber(c[5] or 0), clock)
  return redis.call('ZADD', key('turns'), 'NX', -tonumber(c[4] or 0) * 1e12 + at, campaign) == 1
end

local function join_turns(campaign)
  if let_join_turns(campaign) then
    call_feeder(WORK)
  end
end

-- Pauses a campaign for a reason of ours; one that does not run is left as it is.
local function pause(campaign, why)
  if redis.call('HGET', key('c', campaign), 'state') == 'running' then
    redis.call('HSET', key('c', campaign), 'state', 'paused', 'why', why, 'paused_at', text(now))
    redis.call('ZREM', key('turns'), campaign)
    event('campaign.paused', campaign, nil, nil, why)
  end
end
