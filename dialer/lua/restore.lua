-- Bring back an attempt that a worker's journal knows and Redis has lost: its request may have left.
-- KEYS 1  prefix
-- ARGV 1  attempt id  2  campaign  3  contact  4  attempt number  5  nonce  6  the attempt, JSON
--      7  agent  8  customer, digits  9  until when its call could live, epoch s
--     10  until when its request counts against the allowance, epoch s
-- Returns 1 when it was missing.

local id, campaign, n, no = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local attempts = key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK))
local stored = redis.call('HGET', attempts, n .. '-' .. no)
if stored and cjson.decode(stored)[5] == ARGV[5] then
  return 0
end
if tonumber(ARGV[9]) <= now then
  return 0 -- no call of it can be live any more
end

if tonumber(ARGV[10]) > now then
  redis.call('ZADD', key('slots'), ARGV[10], id)
end

local c = read_contact(campaign, n)
if not c or stored or c.state == FINAL or c.state == UNRESOLVED or c.state == DIALING then
  -- there is no place for it: keep its two numbers from being rung meanwhile
  local added = 0
  for _, number in ipairs({ ARGV[7], ARGV[8] }) do
    if redis.call('HSETNX', key('busy'), number, id) == 1 then
      redis.call('ZADD', key('ghosts'), ARGV[9], number .. '/' .. id)
      added = 1
    end
  end
  return added
end

if c.state == WAITING then
  leave_queues(campaign, n, c)
elseif c.state == RELEASED then
  local token = redis.call('HGET', key('busy'), c.agent)
  redis.call('ZREM', key('released'), campaign .. '/' .. n .. '/' .. (token or ''))
end
c.made = math.max(c.made, no)
c.charged = c.charged + 1
move(campaign, n, c, UNRESOLVED)
count(campaign, 'attempts', 1)
count(campaign, 'charged', 1)
redis.call('HSET', key('busy'), c.agent, id, c.customer, id)
redis.call('HSET', attempts, n .. '-' .. no, ARGV[6])
redis.call('ZADD', key('open'), text(now), id)
return 1
