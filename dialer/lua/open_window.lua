-- Set when a campaign may dial next, so that release need not know calendars, and let it take turns.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  open from  3  until, epoch s; 0 0 = never; both left out: as known
-- Returns 1.

if ARGV[2] then
  redis.call('HSET', key('c', ARGV[1]), 'open_from', ARGV[2], 'open_until', ARGV[3])
end
join_turns(ARGV[1])
return 1
