-- Append one block of checked contacts to a campaign; asking twice appends once.
-- KEYS 1  prefix
-- ARGV 1  campaign    2  contacts loaded before this block    3  packed contact records
--      4  the first contact of each one's agent, packed unsigned numbers
--      5… packed rows, one string per hundred contacts, the first hundred being that of ARGV 2
-- Returns how many contacts are loaded now; a block that does not follow is not written, nor one
-- for a campaign that is being cancelled: nobody would close its contacts.

local campaign, before, records, firsts = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
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
for i = 5, #ARGV do
  redis.call('SET', key('c', campaign, 'rows', first_chunk + i - 5), ARGV[i])
end

local at = 1
while at <= #records do
  local where, offset = place_of(campaign, before + (at - 1) / BYTES + 1)
  local last = math.min(#records, at + PER_CHUNK * BYTES - offset - 1)
  redis.call('SETRANGE', where, offset, string.sub(records, at, last))
  at = last + 1
end

-- unpack_contact would make a table and two texts of each row, and that was half of the time here
local FLAGS_PRIORITY_DUE_AGENT = '<xxxBhxxIxxxxd' -- of LAYOUT
local newcomers = {}
local queues = {} -- agent -> contacts for the end of its queue, and its first contact
for i = 1, added do
  local flags, priority, due, agent =
    struct.unpack(FLAGS_PRIORITY_DUE_AGENT, records, (i - 1) * BYTES + 1)
  if flags == NEWCOMER then
    newcomers[#newcomers + 1] = before + i
  elseif due > now then
    redis.call('ZADD', key('later'), due, campaign .. '/' .. (before + i))
  else
    local queue = queues[agent]
    if not queue then
      queue = { first = struct.unpack('<I', firsts, (i - 1) * 4 + 1) }
      queues[agent] = queue
    end
    if priority == 0 then
      queue[#queue + 1] = before + i
    else
      queue.is_ranked = true
      redis.call('ZADD', key('c', campaign, 'ranked', string.format('%.0f', agent)),
        rank_of(priority, 0, before + i), before + i)
    end
  end
end

local function push(list, values)
  local length
  for from = 1, #values, 1000 do
    length = redis.call('RPUSH', list, unpack(values, from, math.min(from + 999, #values)))
  end
  return length
end

if #newcomers > 0 then
  push(key('c', campaign, 'newcomers'), newcomers)
  local times = key('c', campaign, 'newcomers_since')
  if now - tonumber(redis.call('ZRANGE', times, -1, -1)[1] or 0) >= 1 then
    redis.call('ZADD', times, newcomers[1], text(now))
  end
end

local agents, is_ranked = {}, {} -- nobody calls them yet
for agent, queue in pairs(queues) do
  agent = string.format('%.0f', agent)
  local was_empty = push(key('c', campaign, 'fresh', agent), queue) == #queue
  if queue.is_ranked or (was_empty and not is_newcomer(campaign, queue.first)) then
    agents[#agents + 1], is_ranked[agent] = agent, queue.is_ranked
  end
end

-- as want_agent would, but many at once
local free_agents = {}
for from = 1, #agents, 1000 do
  local last = math.min(from + 999, #agents)
  local held = redis.call('HMGET', key('busy'), unpack(agents, from, last))
  local rests_until = redis.call('ZMSCORE', key('resting'), unpack(agents, from, last))
  for i = from, last do
    if held[i - from + 1] or tonumber(rests_until[i - from + 1] or 0) > now then
      want_agent(campaign, agents[i])
    else
      free_agents[#free_agents + 1] = is_ranked[agents[i]] and turn_of(campaign, agents[i]) or now
      free_agents[#free_agents + 1] = agents[i]
    end
  end
end
for from = 1, #free_agents, 1000 do
  redis.call('ZADD', key('c', campaign, 'ready'), 'LT',
    unpack(free_agents, from, math.min(from + 999, #free_agents)))
end
if #free_agents + #newcomers > 0 then
  join_turns(campaign)
end

redis.call('HSET', key('c', campaign), 'size', before + added)
count(campaign, 'waiting', added)
return before + added
