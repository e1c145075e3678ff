-- Close the waiting contacts of a campaign that is being cancelled, some hundreds at a time, and the open
-- ones as if nobody would say any more what came of them.
-- KEYS 1  prefix
-- GIVEN   CancelChunk in dialer/store/campaigns.py
-- Returns 1 while there is more to do.

local campaign = given.campaign
local c = redis.call('HMGET', key('c', campaign),
  'state', 'cancel_chunk', 'cancel_code', 'size', 'cancel_name')
if c[1] ~= 'cancelling' then
  return 0
end
local chunk, code, size = tonumber(c[2]), tonumber(c[3]), tonumber(c[4] or 0)
local closed, last = 0, chunk + given.chunks
local open = {}
while chunk < last and chunk * PER_CHUNK < size do
  local where = key('c', campaign, 'contacts', chunk)
  local bytes = redis.call('GET', where) or ''
  local parts, changed = {}, false
  for at = 1, #bytes, BYTES do
    local record = string.sub(bytes, at, at + BYTES - 1)
    local n = chunk * PER_CHUNK + (at - 1) / BYTES + 1
    local contact = unpack_contact(campaign, n, record)
    if contact.state == WAITING then
      record = struct.pack('<BBBB', FINAL, code, contact.charged, 0) .. string.sub(record, 5)
      closed, changed = closed + 1, true
      redis.call('DEL', key('c', campaign, 'ranked', contact.agent))
      pin(campaign, n, contact, nil)
    elseif contact.state == OPEN then
      open[#open + 1] = n
    end
    if contact.next == LAST then -- nobody is to stand behind it: queues end here
      record = string.sub(record, 1, NEXT_AT) .. struct.pack('<I', APART) .. string.sub(record, NEXT_AT + 5)
      changed = true
    end
    parts[#parts + 1] = record
  end
  if changed then
    redis.call('SET', where, table.concat(parts))
  end
  chunk = chunk + 1
end
redis.call('HSET', key('c', campaign), 'cancel_chunk', chunk)
if closed > 0 then
  count(campaign, 'waiting', -closed)
  count(campaign, 'final', closed)
  count(campaign, 'outcome:' .. c[5], closed)
  -- one for all of them: a million contacts that are cancelled must not cost a million events
  local first = (last - given.chunks) * PER_CHUNK + 1
  event('contacts.closed', campaign, first, math.min(size, chunk * PER_CHUNK), c[5] .. ' ' .. closed)
  count_told(campaign, 'closed', closed)
end
for _, n in ipairs(open) do
  end_open(campaign, n, read_contact(campaign, n))
end
finish_campaign_if_done(campaign)
return chunk * PER_CHUNK < size and 1 or 0
