-- Let a contact wait until an instant, or open a closed one again to be called then.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  contact  3  when, epoch s  4  1: a closed contact may be opened again
--      5  how it was closed as the caller read it, code  6  its name
-- Returns 'waits' | 'opened' | 'held', it is being dialled | 'closed' | 'expired', it does before
-- then | 'over', its campaign takes no more calls | 'changed', it is not as the caller read it
-- | 'forgotten', its number was purged | 'gone', there is no such contact.

local campaign, n, due = ARGV[1], tonumber(ARGV[2]), math.max(1, math.ceil(tonumber(ARGV[3])))
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
  if ARGV[4] ~= '1' then
    return 'closed'
  end
  if is_over then
    return 'over'
  end
  if c.outcome ~= tonumber(ARGV[5]) then
    return 'changed'
  end
  count(campaign, 'outcome:' .. ARGV[6], -1)
  c.outcome = 0
  if campaign_now[1] == 'completed' then
    reopen(campaign)
  end
  answer = 'opened'
elseif is_over then
  return 'over'
else
  leave_queues(campaign, n, c)
end
c.due = due
-- whatever becomes known of the attempts until now, this is somebody's word; see record.lua
redis.call('HSET', key('c', campaign, 'called_back'), n, c.made)
requeue(campaign, n, c)
return answer
