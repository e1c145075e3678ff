-- Delete consumers of a stream's group that are gone. Only those to whom nothing was handed: what a
-- consumer has not acknowledged would be forgotten with it, and first somebody must take it over.
-- KEYS 1  prefix
-- ARGV 1  stream, as it stands in its key  2  group  3  silent for so long, ms, is gone
-- Returns how many were deleted.

local deleted = 0
for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', key(ARGV[1]), ARGV[2])) do
  local one = {}
  for i = 1, #told, 2 do
    one[told[i]] = told[i + 1]
  end
  if one.pending == 0 and one.idle >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', key(ARGV[1]), ARGV[2], one.name)
    deleted = deleted + 1
  end
end
return deleted
