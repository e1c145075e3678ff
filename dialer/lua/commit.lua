-- Make a file that is loaded to its end count; committing it twice counts it once.
-- KEYS 1  prefix
-- GIVEN   Commit in dialer/store/imports.py
-- Returns 1.

local c = key('c', given.campaign)
local mark = redis.call('HGET', c, 'loading')
if mark and string.match(mark, '^(.*):%d+$') == given.hash then
  for _, name in ipairs({ 'rows', 'accepted', 'rejected', 'duplicate' }) do
    redis.call('HINCRBY', c, name, given[name])
  end
  redis.call('RPUSH', key('c', given.campaign, 'imports'), given.entry)
  redis.call('SADD', key('c', given.campaign, 'hashes'), given.hash)
  for i = 1, #given.blocks, 2 do
    if given.blocks[i + 1] == '' then
      redis.call('HDEL', key('c', given.campaign, 'rejected'), given.blocks[i])
    else
      redis.call('HSET', key('c', given.campaign, 'rejected'), given.blocks[i], given.blocks[i + 1])
    end
  end
  if #given.blocks > 0 then
    rewritten(given.campaign)
  end
  redis.call('HDEL', c, 'loading')
  if redis.call('HGET', c, 'state') == 'loading' then
    redis.call('HSET', c, 'state', 'loaded')
  end
  finish_campaign_if_done(given.campaign) -- what was loaded so far may have been dialled already
end
return 1
