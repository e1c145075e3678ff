-- Tell that one process lives, what it is, and its terms, and compare these with the account's: those of
-- whoever came first, as long as anybody lives who has them.
-- KEYS 1  prefix
-- GIVEN   Agree in dialer/agreeing.py
-- Returns {} where they agree; else who has others, '' if nobody lately, and the account's terms, JSON.

local process, mine, silent_s = given.process, given.fingerprint, given.silent_s
local terms, seen, processes = key('terms'), key('terms_seen'), key('processes')

local account_has = redis.call('HMGET', key('account'), 'terms', 'terms_told')
local standing = account_has[1]
local before = redis.call('HGET', terms, process)
if given.leaves or not before or standing ~= mine then -- else it does not matter who has gone
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', exact(now - silent_s))) do
    redis.call('ZREM', seen, gone)
    redis.call('HDEL', terms, gone)
    redis.call('HDEL', processes, gone)
  end
  before = redis.call('HGET', terms, process) -- it may be one of them
end

-- A process that has other terms than the account, and lives.
local function one_that_has(fingerprint)
  local told = redis.call('HGETALL', terms)
  for i = 1, #told, 2 do
    if told[i] ~= process and string.match(told[i + 1], '^%S+') == fingerprint then
      return told[i]
    end
  end
end

if given.leaves then
  redis.call('ZREM', seen, process)
  redis.call('HDEL', terms, process)
  redis.call('HDEL', processes, process)
  if standing == mine and not one_that_has(mine) then
    redis.call('HDEL', key('account'), 'terms', 'terms_told', 'allowance')
  end
  return {}
end

local since = before and tonumber(string.match(before, '^%S+ (%S+)')) or now
if not before then
  redis.call('HSET', terms, process, mine .. ' ' .. text(since) .. ' ' .. given.terms)
end
redis.call('ZADD', seen, now, process)
-- a write less, each time, for what is as it was
if given.record ~= '' and redis.call('HGET', processes, process) ~= given.record then
  redis.call('HSET', processes, process, given.record)
end
if standing == mine then
  -- a gate that was quicker than the first heartbeat knows the fingerprint alone
  if not account_has[2] then
    redis.call('HSET', key('account'), 'terms_told', given.terms, 'allowance', given.allowance)
  end
  return {}
end
local other = standing and one_that_has(standing)
-- When Redis was away, nobody could tell that they live: who comes back first must not take over.
if standing and (other or now - since < silent_s) then
  return { other or '', account_has[2] or '{}' }
end
redis.call('HSET', key('account'), 'terms', mine, 'terms_told', given.terms, 'allowance', given.allowance)
return {}
