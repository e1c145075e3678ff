-- Move a campaign to another state, if it stands in one of those it may come from.
-- KEYS 1  prefix
-- GIVEN   Steer in dialer/store/campaigns.py
-- Returns the state before and the state after; the same twice when it may not move.

local campaign, target = given.campaign, given.target
local state = redis.call('HGET', key('c', campaign), 'state')
if not state then
  return {}
end
if not string.find(',' .. given.sources .. ',', ',' .. state .. ',', 1, true) then
  return { state, state }
end
redis.call('HSET', key('c', campaign), 'state', target, 'why', given.why, target .. '_at', text(now))
call_feeder(LOOK)
if target == 'running' then
  redis.call('HSETNX', key('c', campaign), 'started_at', text(now))
  event('campaign.started', campaign)
  join_turns(campaign)
else
  redis.call('ZREM', key('turns'), campaign)
end
if target == 'paused' then
  event('campaign.paused', campaign, nil, nil, given.why ~= '' and given.why)
end
if target == 'cancelling' then
  redis.call('HSET', key('c', campaign),
    'cancel_code', code_of(given.closing, ENDS), 'cancel_name', given.closing, 'ends_as', given.ends_as, 'cancel_chunk', 0)
end
local loading = target == 'cancelling' and redis.call('HGET', key('c', campaign), 'loading')
if loading then
  -- a file on its way goes no further; what is stored of it counts
  local c = redis.call('HMGET', key('c', campaign), 'size', 'accepted')
  local stored = tonumber(c[1] or 0) - tonumber(c[2] or 0)
  redis.call('HINCRBY', key('c', campaign), 'rows', stored)
  redis.call('HINCRBY', key('c', campaign), 'accepted', stored)
  local hash = string.match(loading, '^(.*):%d+$')
  redis.call('HSET', key('c', campaign), 'in_part', hash)
  redis.call('HDEL', key('c', campaign), 'loading')
  redis.call('RPUSH', key('c', campaign, 'imports'), string.format(
    '{"hash": "%s", "rows": %d, "accepted": %d, "rejected": 0, "duplicate": 0, "in_part": true, "at": %s}',
    hash, stored, stored, text(now)))
end
if target == 'running' or target == 'cancelling' then
  finish_campaign_if_done(campaign)
end
return { state, redis.call('HGET', key('c', campaign), 'state') }
