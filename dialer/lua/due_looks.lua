-- Attempts the sweeper should look at now; each is put off, so that a crash only repeats a look. Both kinds
-- in one step: most of the time there is none of either.
-- KEYS 1  prefix
-- GIVEN   DueLooks in dialer/store/attempts.py
-- Returns {id and JSON of each that is not settled; the same of each that lacks final values}; in place of JSON
-- why it cannot be read.

local function stored_as(id)
  local campaign, n, no = string.match(id, '^(.-)%-(%d+)%-(%d+)%-')
  return redis.call('HGET',
    key('c', campaign, 'attempts', math.floor((tonumber(n) - 1) / PER_CHUNK)), n .. '-' .. no)
end

local function due(which)
  local out = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', which, '-inf', now, 'LIMIT', 0, given.most)) do
    redis.call('ZADD', which, exact(now + given.put_off_s), id)
    local is_read, stored = pcall(stored_as, id)
    out[#out + 1] = id
    out[#out + 1] = is_read and (stored or '') or fault(stored)
  end
  return out
end

return { due(key('open')), due(key('late')) }
