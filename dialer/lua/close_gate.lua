-- Close the account's gate for all workers for a while.
-- KEYS 1  prefix
-- GIVEN   CloseGate in dialer/pacing.py
-- Returns the seconds, as text.

local wait_s, limit = given.wait_s, given.requests
local pace = redis.call('HMGET', key('pace'), 'blocked_until', 'cut', 'cut_at', 'faults')
local was_open = now >= tonumber(pace[1] or 0)

if given.why == 'limit' then
  -- By the slot rule a refusal means foreign use of the account, a lower limit, or a fault of
  -- ours: go on a little lower for a while, once for each block and not for each refusal in it.
  if was_open then
    local cut = math.max(0, tonumber(pace[2] or 0) - math.floor((now - tonumber(pace[3] or now)) / 600))
    -- never below one request: a deeper cut would only take days to grow back
    cut = math.min(limit - 1, cut + math.max(1, math.ceil(limit * 0.02)))
    redis.call('HSET', key('pace'), 'cut', cut, 'cut_at', text(now))
  end
  if wait_s == 0 then
    wait_s = 60
    redis.call('HSET', key('pace'), 'slow_until', text(now + wait_s + 600))
  end
  local minute = key('refused', math.floor(now / 60))
  redis.call('HINCRBY', minute, math.floor(now), 1)
  redis.call('EXPIRE', minute, 7200)
elseif wait_s == 0 then
  -- 1, 2, 4 … 60 s until a request gets through again; requests that were under way when the
  -- gate closed tell nothing new
  local faults = tonumber(pace[4] or 0)
  if was_open then
    faults = faults + 1
    redis.call('HSET', key('pace'), 'faults', faults)
  end
  wait_s = math.min(60, 2 ^ math.max(0, faults - 1))
end

close_gate(wait_s)
return text(wait_s)
