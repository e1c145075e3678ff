-- Whether a request that passed its gate a while ago may still leave.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  agent  3  customer  4  the epoch the caller remembers
-- Returns 1 when it may, 0 when it may not.

local is_closed = not epoch_or_hold(tonumber(ARGV[4]))
  or redis.call('HGET', key('c', ARGV[1]), 'state') ~= 'running'
  or is_suppressed(ARGV[1], ARGV[2]) or is_suppressed(ARGV[1], ARGV[3])
return is_closed and 0 or 1
