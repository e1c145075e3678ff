-- How contacts end, wait for a word, or come back.

local may_be_done = {} -- campaigns of which a contact was closed

local function finish_campaign_if_done(campaign)
  write_counts_of(campaign)
  local counts = key('c', campaign, 'counts')
  if tonumber(redis.call('HGET', counts, 'waiting') or 0) ~= 0 then
    return -- as most of the time
  end
  local left = redis.call('HMGET', counts, 'released', 'dialing', 'unresolved', 'open')
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
    redis.call('SADD', key('ended'), campaign)
    event('campaign.' .. ended, campaign)
    redis.call('UNLINK', key('c', campaign, 'ready'), key('c', campaign, 'newcomers'),
      key('c', campaign, 'newcomers_since'))
    if c[1] == 'cancelling' then
      redis.call('UNLINK', key('c', campaign, 'heads'))
    end
  end
end

-- At the script's end: once, however many contacts it closed.
local function finish_campaigns()
  apart(may_be_done, finish_campaign_if_done)
end

-- Whether so many contacts wait for a second person who starts the campaign too. Those that came one
-- at a time since two confirmed it count only beyond what one person alone may have dialled.
local function needs_second(size, second_above, confirmed, added_since)
  local allowed = tonumber(confirmed or 0) + math.min(added_since, second_above)
  return second_above > 0 and size > math.max(second_above, allowed)
end

-- Notes that what was over is not as it was read: late values, corrections, numbers that went. Tells
-- whether its report was said to be final: it is said anew, once nothing is asked for any more.
local function rewritten(campaign)
  redis.call('HINCRBY', key('c', campaign), 'rewritten', 1)
  local was_final = redis.call('HEXISTS', key('c', campaign), 'report_final') == 1
  if was_final then
    redis.call('SADD', key('ended'), campaign)
  end
  return was_final
end

-- A completed campaign has contacts to dial again: it is loaded, and somebody starts it.
local function reopen(campaign)
  redis.call('HSET', key('c', campaign), 'state', 'loaded')
  redis.call('SREM', key('ended'), campaign)
  event('campaign.reopened', campaign)
  call_feeder(LOOK)
  redis.call('HDEL', key('c', campaign), 'ended_at', 'report_final')
  -- a queue of contacts that all left it is still there, and the next one stands behind them
  for _, agent in ipairs(redis.call('HKEYS', key('c', campaign, 'heads'))) do
    want_agent(campaign, agent)
  end
end

local function close_contact(campaign, n, c, name)
  pin(campaign, n, c, nil)
  c.outcome = code_of(name, ENDS)
  move(campaign, n, c, FINAL)
  count(campaign, 'outcome:' .. name, 1)
  event('contact.final', campaign, n, c.made > 0 and c.made, name)
  may_be_done[campaign] = true
end

-- Puts a contact that is not being dialled back in line: at once, or when it is due. `contact`
-- is closed instead where its campaign is being cancelled: nothing may wait there any more.
local function requeue(campaign, n, c)
  local closing = redis.call('HMGET', key('c', campaign), 'state', 'cancel_name')
  if closing[1] == 'cancelling' then
    close_contact(campaign, n, c, closing[2])
    return
  end
  move(campaign, n, c, WAITING)
  if c.due > now then
    redis.call('ZADD', key('later'), c.due, campaign .. '/' .. n)
  else
    queue(campaign, n, c)
  end
end

local function end_open(campaign, n, c)
  redis.call('ZREM', key('undisposed'), campaign .. '/' .. n)
  if c.due > 0 then
    requeue(campaign, n, c)
  else
    close_contact(campaign, n, c, 'connected')
  end
end

-- Leaves a contact open until its agent says what came of the conversation, `open_s` at most. Its due
-- keeps what the outcome's rule has for it then: when it is called again, or 0: it is closed. A campaign
-- that is being cancelled waits for nobody's word.
local function open_contact(campaign, n, c, open_s)
  if redis.call('HGET', key('c', campaign), 'state') == 'cancelling' then
    end_open(campaign, n, c)
    return
  end
  redis.call('ZADD', key('undisposed'), exact(now + open_s), campaign .. '/' .. n)
  move(campaign, n, c, OPEN)
end

-- Lets go of what a release holds.
local function let_go(c, token)
  if not is_team(c.agent) then
    free(c.agent, token, 0)
  elseif redis.call('SREM', key('claims', c.agent), token) == 1 then
    wake(c.agent)
  end
  free(c.customer, token, 0)
end

-- Ends a release: the numbers are free and the contact waits again. No call was made.
local function take_back(campaign, n, token, c)
  redis.call('ZREM', key('released'), campaign .. '/' .. n .. '/' .. token)
  let_go(c, token)
  requeue(campaign, n, c)
end
