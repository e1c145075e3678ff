-- Mark a campaign as archived, if it is over and nothing of it was changed since it was read: added,
-- opened again and dialled, filled in, corrected, purged, or archived by somebody else.
-- KEYS 1  prefix
-- GIVEN   Archive in dialer/store/removal.py
-- Returns 1, or 0 when it is not as it was.

local c = key('c', given.campaign)
local known = redis.call('HMGET', c, 'state', 'size', 'rows', 'loading', 'ended_at', 'rewritten',
  'archived_at')
local is_over = known[1] == 'completed' or known[1] == 'cancelled'
if not is_over or known[4] or known[7] or tonumber(known[2] or 0) ~= given.accepted
  or tonumber(known[3] or 0) ~= given.rows then
  return 0
end
if (known[5] or '') ~= given.ended_at or tonumber(known[6] or 0) ~= given.rewritten then
  return 0
end
redis.call('HSET', c, 'archived_at', text(now))
return 1
