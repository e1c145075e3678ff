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
local AS_CLOSED = '<BBBB' -- what LAYOUT begins with
local STATE_CHARGED_NEXT_AGENT = '<BxBxxxxxxxxxIxxxxd' -- unpack_contact would make a table and two texts of each

while chunk < last and chunk * PER_CHUNK < size do
  local where = key('c', campaign, 'contacts', chunk)
  local bytes = redis.call('GET', where) or ''
  local parts, changed, ranked, queues = {}, false, {}, {}
  for at = 1, #bytes, BYTES do
    local n = chunk * PER_CHUNK + (at - 1) / BYTES + 1
    local state, charged, next_n, agent = struct.unpack(STATE_CHARGED_NEXT_AGENT, bytes, at)
    local record = string.sub(bytes, at, at + BYTES - 1)
    if state == WAITING then
      if agent < 1e6 then -- a team's, of whom one agent may be pinned
        local contact = unpack_contact(campaign, n, record)
        agent = tonumber(contact.agent)
        pin(campaign, n, contact, nil)
      end
      record = struct.pack(AS_CLOSED, FINAL, code, charged, 0) .. string.sub(record, 5)
      closed, changed = closed + 1, true
      if not ranked[agent] then
        queues[#queues + 1], ranked[agent] = key('c', campaign, 'ranked', string.format('%.0f', agent)), true
      end
    elseif state == OPEN then
      open[#open + 1] = n
    end
    if next_n == LAST then -- nobody is to stand behind it: queues end here
      record = string.sub(record, 1, NEXT_AT) .. struct.pack('<I', APART) .. string.sub(record, NEXT_AT + 5)
      changed = true
    end
    parts[#parts + 1] = record
  end
  if changed then
    redis.call('SET', where, table.concat(parts))
  end
  if #queues > 0 then
    redis.call('DEL', unpack(queues)) -- a command for each would be most of the work
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
