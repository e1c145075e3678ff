-- Write contacts of one chunk anew, if nobody wrote since they were read: to forget numbers.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  chunk  3  the lines as they were read  4  the lines as they are to be
--      5  JSON object: numbers {contact, agent, customer} of final contacts,
--         attempts {field, version that was read, JSON with a higher one: whoever read the former
--         would write the numbers back}
-- Returns 1, or 0 when nothing was changed.

local campaign, chunk = ARGV[1], ARGV[2]
local rows, attempts = key('c', campaign, 'rows', chunk), key('c', campaign, 'attempts', chunk)
local changes = cjson.decode(ARGV[5])

if redis.call('GET', rows) ~= ARGV[3] then
  return 0
end
for _, one in ipairs(changes.numbers) do
  if read_contact(campaign, one[1]).state ~= FINAL then
    return 0
  end
end
for _, one in ipairs(changes.attempts) do
  local stored = redis.call('HGET', attempts, one[1])
  if not stored or cjson.decode(stored)[1] ~= one[2] then
    return 0
  end
end

rewritten(campaign)
redis.call('SET', rows, ARGV[4])
for _, one in ipairs(changes.numbers) do
  local where, offset = place_of(campaign, one[1])
  redis.call('SETRANGE', where, offset + PAIR_AT, struct.pack('<dd', tonumber(one[2]), tonumber(one[3])))
end
for _, one in ipairs(changes.attempts) do
  redis.call('HSET', attempts, one[1], one[3])
end
return 1
