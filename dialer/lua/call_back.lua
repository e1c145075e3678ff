-- Let a contact wait until an instant, or open a closed one again to be called then.
-- KEYS 1  prefix
-- GIVEN   CallBackAt in dialer/steering/calling_back.py
-- Returns 'waits' | 'opened' | 'held', it is being dialled | 'closed' | 'expired', it does before
-- then | 'over', its campaign takes no more calls | 'changed', it is not as the caller read it
-- | 'forgotten', its number was purged | 'gone', there is no such contact.

local campaign, n, due = given.campaign, given.n, math.max(1, math.ceil(given.at))
local c = read_contact(campaign, n)
if not c then
  return 'gone'
end
if c.state == RELEASED or c.state == DIALING or c.state == UNRESOLVED then
  return 'held'
end
if c.agent == '0' or c.customer == '0' then
  return 'forgotten'
end
if c.expires > 0 and c.expires <= math.max(due, now) then
  return 'expired'
end
local campaign_now = redis.call('HMGET', key('c', campaign), 'state', 'archived_at')
local is_over = campaign_now[2] or campaign_now[1] == 'cancelling' or campaign_now[1] == 'cancelled'

local answer = 'waits'
if c.state == FINAL then
  if not given.reopens then
    return 'closed'
  end
  if is_over then
    return 'over'
  end
  if c.outcome ~= code_of(given.ended_as, ENDS) then
    return 'changed'
  end
  count(campaign, 'outcome:' .. given.ended_as, -1)
  event('contact.reopened', campaign, n, nil, given.ended_as)
  c.outcome = 0
  if campaign_now[1] == 'completed' then
    reopen(campaign)
  end
  answer = 'opened'
elseif is_over then
  return 'over'
elseif c.state == OPEN then
  redis.call('ZREM', key('undisposed'), campaign .. '/' .. n)
else
  leave_queues(campaign, n, c)
end
pin(campaign, n, c, given.only)
c.due = due
-- whatever becomes known of the attempts until now, this is somebody's word; see record.lua
redis.call('HSET', key('c', campaign, 'called_back'), n, c.made)
requeue(campaign, n, c)
return answer
