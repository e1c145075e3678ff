-- Delete consumers of a stream's group that are gone. Only those to whom nothing was handed: what a
-- consumer has not acknowledged would be forgotten with it, and first somebody must take it over.
-- KEYS 1  prefix
-- GIVEN   ForgetConsumers in dialer/store/callback_inbox.py
-- Returns how many were deleted.

local deleted = 0
for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', key(given.stream), given.group)) do
  local one = {}
  for i = 1, #told, 2 do
    one[told[i]] = told[i + 1]
  end
  if one.pending == 0 and one.idle >= given.silent_ms then
    redis.call('XGROUP', 'DELCONSUMER', key(given.stream), given.group, one.name)
    deleted = deleted + 1
  end
end
return deleted
