-- Reserve a name for a campaign and write it down as loading its first file, in one step.
-- KEYS 1  prefix
-- GIVEN   Create in dialer/store/campaigns.py
-- Returns 1, 0 when the name is taken, or the campaign that has the same content: asked here, as two
-- may load one file at once.

if redis.call('HEXISTS', key('names'), given.compared) == 1 then
  return 0
end
if given.hash ~= '' and not given.again then
  for _, other in ipairs(redis.call('ZREVRANGE', key('campaigns'), 0, -1)) do
    local of = redis.call('HMGET', key('c', other), 'loading', 'state', 'started_at')
    local is_here = of[1] and string.match(of[1], '^(.*):%d+$') == given.hash
      or redis.call('SISMEMBER', key('c', other, 'hashes'), given.hash) == 1
    local rang_nobody = not of[3] and (of[2] == 'cancelled' or of[2] == 'cancelling')
    if is_here and not rang_nobody then
      return other
    end
  end
  local archived = redis.call('HGET', key('archived_files'), given.hash)
  if archived then
    return archived
  end
end
redis.call('HSET', key('names'), given.compared, given.campaign)
local c = key('c', given.campaign)
redis.call('HSET', c, 'name', given.name, 'state', 'loading', 'created_at', text(now),
  unpack(given.fields))
if given.hash ~= '' then
  redis.call('HSET', c, 'loading', given.hash .. ':0')
end
redis.call('HSET', key('account'), 'layout', LAYOUT_OF_CONTACTS)
redis.call('ZADD', key('campaigns'), now, given.campaign)
if TELLS then
  redis.call('HSET', key('c', given.campaign, 'told'), 'from_start', 1)
end
return 1
