-- Set when a campaign may dial next, so that release need not know calendars.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  open from  3  until, epoch s; 0 0 = never
-- Returns 1.

redis.call('HSET', key('c', ARGV[1]), 'open_from', ARGV[2], 'open_until', ARGV[3])
join_turns(ARGV[1])
return 1
