-- Append a record to the audit trail right behind the one its writer has read, or drop old ones.
-- KEYS 1  prefix
-- GIVEN   WriteTrail in dialer/store/trail.py
-- Returns for 'append' 1, or 0 when somebody else was faster; for 'trim' how many went.

local trail, head = key('audit'), key('audit_head')

if given.what == 'append' then
  local last = redis.call('HMGET', head, 'no', 'ms')
  if tonumber(last[1] or 0) ~= given.after then
    return 0
  end
  -- a clock that was set back must not keep anybody from writing
  local ms = string.format('%.0f', math.max(math.floor(now * 1000), tonumber(last[2] or 0)))
  redis.call('XADD', trail, ms .. '-*', 'record', given.record, 'hash', given.hash)
  redis.call('HSET', head, 'no', given.after + 1, 'hash', given.hash, 'ms', ms)
  return 1
end

-- what is left is checked from the last one that went, so its number and hash stay
local before = string.format('%.0f', given.before_ms - 1)
local last = redis.call('XREVRANGE', trail, before, '-', 'COUNT', 1)[1]
if not last then
  return 0
end
local fields = last[2]
redis.call('HSET', head, 'trimmed_no', cjson.decode(fields[2]).no, 'trimmed_hash', fields[4])
return redis.call('XTRIM', trail, 'MINID', string.format('%.0f', given.before_ms))
