-- Write contacts of one chunk anew, if nobody wrote since they were read: to forget numbers, or to note something.
-- KEYS 1  prefix
-- GIVEN   ReplaceLines in dialer/store/removal.py
-- Returns 1, or 0 when nothing was changed.

local campaign, chunk = given.campaign, given.chunk
local rows, attempts = key('c', campaign, 'rows', chunk), key('c', campaign, 'attempts', chunk)
local changes = cjson.decode(given.changes)

if redis.call('GET', rows) ~= given.before then
  return 0
end
if not given.forgets and redis.call('HGET', key('c', campaign), 'archived_at') then
  return 0 -- its files are written already; what is forgotten is forgotten there as well
end
for _, one in ipairs(changes.numbers) do
  if read_contact(campaign, one.n).state ~= FINAL then
    return 0
  end
end
for _, one in ipairs(changes.attempts) do
  local stored = redis.call('HGET', attempts, one.field)
  if not stored or cjson.decode(stored)[ATTEMPT.version] ~= one.version then
    return 0
  end
end

rewritten(campaign)
redis.call('SET', rows, given.after)
if given.forgets then
  add_to_index(campaign, chunk, '') -- it forgets too; this hundred is looked through from now on
end
for _, one in ipairs(changes.numbers) do
  local where, offset = place_of(campaign, one.n)
  redis.call('SETRANGE', where, offset + PAIR_AT, struct.pack('<dd', tonumber(one.agent), tonumber(one.customer)))
end
for _, one in ipairs(changes.attempts) do
  redis.call('HSET', attempts, one.field, one.attempt)
end
for _, one in ipairs(changes.external_ids) do
  local field = string.gsub(one[2], '%x%x', function(byte) return string.char(tonumber(byte, 16)) end)
  redis.call('HDEL', key('c', campaign, 'external', one[1]), field)
end
return 1
