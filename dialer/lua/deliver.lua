-- Write what a delivery of a webhook came to, if its writer still has the right to deliver.
-- KEYS 1  prefix
-- GIVEN   Deliver in dialer/store/webhooks.py
-- Returns 1, or 0 when the right is somebody else's by now: they deliver the same, under the same ids.

local id = given.webhook
if redis.call('GET', key('webhook', id, 'lease')) ~= given.token
  or redis.call('HEXISTS', key('webhooks'), id) == 0 then
  return 0
end
local standing = key('webhook', id)
local asked_anew = (redis.call('HGET', standing, 'replay_asked') or '') ~= given.replay_asked
for at = 1, #given.fields, 2 do
  local name, value = given.fields[at], given.fields[at + 1]
  -- a person may have paused it, or asked for another replay, while the delivery was on its way
  local is_theirs = (name == 'paused' and value == '') or (name == 'replay' and asked_anew)
  if not is_theirs then
    redis.call('HSET', standing, name, value)
  end
end
if given.delivered > 0 then
  redis.call('HINCRBY', standing, 'delivered', given.delivered)
end
if given.log ~= '' and given.delivered == 0 then
  redis.call('HINCRBY', standing, 'failed', 1)
end
if given.aside ~= '' then
  redis.call('ZADD', key('webhook', id, 'aside'), given.aside_at, given.aside_id)
  redis.call('HSET', key('webhook', id, 'tries'), given.aside_id, given.aside)
end
if given.done ~= '' then
  redis.call('ZREM', key('webhook', id, 'aside'), given.done)
  redis.call('HDEL', key('webhook', id, 'tries'), given.done)
end

local function note(list, what, most)
  if what ~= '' then
    redis.call('LPUSH', key('webhook', id, list), what)
    redis.call('LTRIM', key('webhook', id, list), 0, most - 1)
  end
end

note('dead', given.dead, given.most_dead)
note('log', given.log, given.most_logged)
return 1
