-- Mark a campaign as archived, if it is over and nothing of it was changed since it was read: added,
-- opened again and dialled, filled in, corrected or purged.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  contacts that were read  3  rows that were read  4  when it had ended
--      5  how often what was over was rewritten by then
-- Returns 1, or 0 when it is not as it was.

local c = key('c', ARGV[1])
local known = redis.call('HMGET', c, 'state', 'size', 'rows', 'loading', 'ended_at', 'rewritten')
local is_over = known[1] == 'completed' or known[1] == 'cancelled'
if not is_over or known[4] or (known[2] or '0') ~= ARGV[2] or (known[3] or '0') ~= ARGV[3] then
  return 0
end
if (known[5] or '') ~= ARGV[4] or (known[6] or '0') ~= ARGV[5] then
  return 0
end
redis.call('HSETNX', c, 'archived_at', text(now))
return 1
