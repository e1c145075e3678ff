-- Note that a worker takes up contacts: what it reads from here to the gate's answer may kill it, as
-- a damaged row could, and would kill the next worker too. The gate's answer takes the note back.
-- One that was there when a worker died goes alone, so that it is not the others who look guilty.
-- KEYS 1  prefix
-- GIVEN   Approaches in dialer/store/contacts.py
-- Returns for each contact {its record, the packed rows of its hundred}, and instead of the rows the
-- place of the contact that has them already; {} when the release is not the caller's, {'alone'}
-- when it must be asked for by itself.

local sent = {} -- packed rows -> the place that has them

local function approach(one, place)
  local campaign, n = one.campaign, one.n
  local where, offset = place_of(campaign, n)
  local record = redis.call('GETRANGE', where, offset, offset + BYTES - 1)
  local c = #record == BYTES and unpack_contact(campaign, n, record)
  if not c or c.state ~= RELEASED or redis.call('HGET', key('busy'), c.customer) ~= one.token then
    return {}
  end
  if c.flags > 0 and #given.contacts > 1 then
    return { 'alone' }
  end
  c.flags = math.min(255, c.flags + 1)
  c.where, c.offset = where, offset
  write_contact(c)
  local rows = key('c', campaign, 'rows', math.floor((n - 1) / PER_CHUNK))
  if sent[rows] then
    return { record, sent[rows] }
  end
  sent[rows] = place
  return { record, redis.call('GET', rows) }
end

return each(given.contacts, approach)
