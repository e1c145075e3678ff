-- Note that a worker takes up a contact: what it reads from here to the gate's answer may kill it,
-- as a damaged row could, and would kill the next worker too. The gate's answer takes the note back.
-- KEYS 1  prefix
-- ARGV 1  campaign  2  contact  3  release token
-- Returns the contact's record and the packed rows of its hundred; nothing when the release is not
-- the caller's.

local campaign, n, token = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local c = read_contact(campaign, n)
if not c or c.state ~= RELEASED or redis.call('HGET', key('busy'), c.agent) ~= token then
  return nil
end
c.flags = math.min(255, c.flags + 1)
write_contact(campaign, n, c)
local where, offset = place_of(campaign, n)
return {
  redis.call('GETRANGE', where, offset, offset + BYTES - 1),
  redis.call('GET', key('c', campaign, 'rows', math.floor((n - 1) / PER_CHUNK))),
}
