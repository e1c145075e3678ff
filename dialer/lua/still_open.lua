-- Whether a request that passed its gate a while ago may still leave.
-- KEYS 1  prefix
-- GIVEN   StillOpen in dialer/dialing/gate.py
-- Returns 1 when it may, 0 when it may not.

local is_closed = not epoch_or_hold(given.epoch)
  or redis.call('HGET', key('c', given.campaign), 'state') ~= 'running'
  or is_suppressed(given.campaign, given.agent) or is_suppressed(given.campaign, given.customer)
  or is_away(given.agent) and presence_of(given.agent) ~= 'full' -- which this very call may have made them
return is_closed and 0 or 1
