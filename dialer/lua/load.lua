-- Append one block of checked contacts to a campaign; asking twice appends once.
-- KEYS 1  prefix
-- ARGV 1  campaign    2  contacts loaded before this block    3  packed contact records
--      4… packed rows, one string per hundred contacts, the first hundred being that of ARGV 2
-- Returns how many contacts are loaded now; a block that does not follow is not written, nor one
-- for a campaign that is being cancelled: nobody would close its contacts.

local campaign, before, records = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local known = redis.call('HMGET', key('c', campaign), 'size', 'state')
local loaded = tonumber(known[1] or 0)
if loaded ~= before or known[2] == 'cancelling' or known[2] == 'cancelled' then
  return loaded
end
if known[2] == 'completed' then
  redis.call('HSET', key('c', campaign), 'state', 'loaded')
  redis.call('HDEL', key('c', campaign), 'ended_at')
end

local added = #records / BYTES
local first_chunk = math.floor(before / PER_CHUNK)
for i = 4, #ARGV do
  redis.call('SET', key('c', campaign, 'rows', first_chunk + i - 4), ARGV[i])
end

local fresh = {}
local at, n = 1, before
while at <= #records do
  n = n + 1
  local where, offset = place_of(campaign, n)
  local room = math.min(PER_CHUNK - (offset / BYTES), (#records - at + 1) / BYTES)
  redis.call('SETRANGE', where, offset, string.sub(records, at, at + room * BYTES - 1))
  for i = 0, room - 1 do
    local c = unpack_contact(string.sub(records, at + i * BYTES, at + (i + 1) * BYTES - 1))
    if c.due > now then
      redis.call('ZADD', key('later'), c.due, campaign .. '/' .. (n + i))
    elseif c.priority ~= 0 then
      redis.call('ZADD', key('c', campaign, 'ranked', c.agent), -c.priority * 1e11, n + i)
      fresh[c.agent] = fresh[c.agent] or {}
    else
      local list = fresh[c.agent]
      if not list then
        list = {}
        fresh[c.agent] = list
      end
      list[#list + 1] = n + i
    end
  end
  at, n = at + room * BYTES, n + room - 1
end

local free_agents = {}
for agent, list in pairs(fresh) do
  for from = 1, #list, 1000 do
    redis.call('RPUSH', key('c', campaign, 'fresh', agent),
      unpack(list, from, math.min(from + 999, #list)))
  end
  if is_taken(agent) then
    want_agent(campaign, agent)
  else
    free_agents[#free_agents + 1] = now
    free_agents[#free_agents + 1] = agent
  end
end
-- as want_agent would, but all at once: a list may have an agent for each of its rows
for from = 1, #free_agents, 1000 do
  redis.call('ZADD', key('c', campaign, 'ready'), 'NX',
    unpack(free_agents, from, math.min(from + 999, #free_agents)))
end
if #free_agents > 0 then
  join_turns(campaign)
end

redis.call('HSET', key('c', campaign), 'size', before + added)
count(campaign, 'waiting', added)
return before + added
