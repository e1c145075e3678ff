-- What a response taught about the provider's own count: it can only slow us down.
-- KEYS 1  prefix
-- GIVEN   Answered in dialer/pacing.py
-- Returns 1.

if given.member ~= '' then
  redis.call('ZADD', key('slots'), exact(now + given.kept_s), given.member)
  redis.call('HDEL', key('pace'), 'full_until') -- slots may be free sooner than was thought
end

if given.remaining then
  redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', now)
  local foreign = given.requests - given.remaining - redis.call('ZCARD', key('slots'))
  for i = 1, math.min(foreign, given.requests) do
    redis.call('ZADD', key('slots'), exact(now + given.window_s), 'foreign/' .. text(now) .. '/' .. i)
  end
end
return 1
