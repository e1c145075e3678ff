-- Append a record to the audit trail right behind the one its writer has read, or drop old ones.
-- KEYS 1  prefix
-- ARGV 1  'append'  2  number of the record before it  3  record, JSON  4  its hash
--      1  'trim'    2  records from before this instant go, epoch ms
-- Returns for 'append' 1, or 0 when somebody else was faster; for 'trim' how many went.

local trail, head = key('audit'), key('audit_head')

if ARGV[1] == 'append' then
  local last = redis.call('HMGET', head, 'no', 'ms')
  if (last[1] or '0') ~= ARGV[2] then
    return 0
  end
  -- a clock that was set back must not keep anybody from writing
  local ms = string.format('%.0f', math.max(math.floor(now * 1000), tonumber(last[2] or 0)))
  redis.call('XADD', trail, ms .. '-*', 'record', ARGV[3], 'hash', ARGV[4])
  redis.call('HSET', head, 'no', ARGV[2] + 1, 'hash', ARGV[4], 'ms', ms)
  return 1
end

-- what is left is checked from the last one that went, so its number and hash stay
local before = string.format('%.0f', ARGV[2] - 1)
local last = redis.call('XREVRANGE', trail, before, '-', 'COUNT', 1)[1]
if not last then
  return 0
end
local fields = last[2]
redis.call('HSET', head, 'trimmed_no', cjson.decode(fields[2]).no, 'trimmed_hash', fields[4])
return redis.call('XTRIM', trail, 'MINID', ARGV[2])
