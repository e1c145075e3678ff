-- Append one block of checked contacts to a campaign, or contacts that come one at a time and belong
-- to no file; asking twice appends once.
-- KEYS 1  prefix
-- GIVEN   Load in dialer/store/contacts.py
-- Whoever is in none of these lists stands behind a contact of the block, which names it already.
-- Returns how many contacts are loaded now, or -1 when those rows are not as they were read: what was
-- purged from them must not come back. A block that does not follow is not written, nor one
-- for a campaign that is being cancelled: nobody would close its contacts. Of contacts that come one
-- at a time it may also be a word: why none was taken.

local campaign, before, records = given.campaign, given.before, given.records
local newcomers, joining, others = given.newcomers, given.joining, given.others
local ids, single, second_above = given.ids, given.single, given.second_above
local known = redis.call('HMGET', key('c', campaign),
  'size', 'state', 'loading', 'archived_at', 'confirmed', 'added', 'added_confirmed')
local loaded, state, added = tonumber(known[1] or 0), known[2], #records / BYTES

-- Why contacts that come one at a time are not taken: nobody steps between this and their being there.
local function objection()
  local added_since = added + tonumber(known[6] or 0) - tonumber(known[7] or 0)
  if loaded ~= before then
    return 'grown' -- by as many perhaps, but others
  elseif known[4] then
    return 'archived'
  elseif known[3] or state == 'loading' then
    return 'loading'
  elseif state == 'cancelling' or state == 'cancelled' then
    return state
  elseif state == 'running' and single == 'waits' then
    return state
  elseif (state == 'running' or state == 'completed' and single == 'calls')
    and needs_second(loaded + added, second_above, known[5], added_since) then
    return 'second_person'
  end
end

local why_not = single ~= '' and objection()
if why_not then
  return why_not
end
if loaded ~= before or state == 'cancelling' or state == 'cancelled' then
  return loaded
end
local first_rows = key('c', campaign, 'rows', math.floor(before / PER_CHUNK))
if before % PER_CHUNK > 0 and redis.call('GET', first_rows) ~= given.seen then
  return -1
end
if state == 'completed' then
  reopen(campaign)
  if single == 'calls' then -- it had run out of contacts, and goes on with these
    redis.call('HSET', key('c', campaign), 'state', 'running', 'why', '', 'running_at', text(now))
    event('campaign.started', campaign)
  end
end

local first_chunk = math.floor(before / PER_CHUNK)
local entry_size = #given.entries / #given.rows
for i, rows in ipairs(given.rows) do
  local chunk = first_chunk + i - 1
  redis.call('SET', key('c', campaign, 'rows', chunk), rows)
  local entry = string.sub(given.entries, (i - 1) * entry_size + 1, i * entry_size)
  if i == 1 and before % PER_CHUNK > 0 then
    add_to_index(campaign, chunk, entry)
  elseif entry ~= '' then
    redis.call('SET', key('c', campaign, 'index', chunk), entry)
  end
end

for i = 1, #ids, 18 do
  local share = struct.unpack('<H', ids, i)
  redis.call('HSET', key('c', campaign, 'external', share),
    string.sub(ids, i + 2, i + 9), string.sub(ids, i + 10, i + 17))
end

local at = 1
while at <= #records do
  local where, offset = place_of(campaign, before + (at - 1) / BYTES + 1)
  local last = math.min(#records, at + PER_CHUNK * BYTES - offset - 1)
  redis.call('SETRANGE', where, offset, string.sub(records, at, last))
  at = last + 1
end

if #newcomers > 0 then
  local numbers = {}
  for i = 1, #newcomers, 4 do
    numbers[#numbers + 1] = struct.unpack('<I', newcomers, i)
  end
  for from = 1, #numbers, 1000 do
    redis.call('RPUSH', key('c', campaign, 'newcomers'),
      unpack(numbers, from, math.min(from + 999, #numbers)))
  end
  local times = key('c', campaign, 'newcomers_since')
  if now - tonumber(redis.call('ZRANGE', times, -1, -1)[1] or 0) >= 1 then
    redis.call('ZADD', times, numbers[1], now)
  end
end

local function agent_of(n)
  return string.format('%.0f', (struct.unpack('<d', records, (n - before - 1) * BYTES + PAIR_AT + 1)))
end

local heads = {} -- agent, contact: of queues that begin anew
local agents, is_ranked = {}, {} -- who has something to do

local function begin_queue(n)
  local agent = agent_of(n)
  heads[#heads + 1], heads[#heads + 2] = agent, n
  agents[#agents + 1] = agent
end

-- Those behind ends of one hundred are written with one command.
local where, ends, behind

local function write_joining()
  if not where then
    return
  end
  for i, was in ipairs(redis.call('BITFIELD', where, unpack(ends))) do
    if was == APART then -- that end was dialled, or left, before anybody stood behind it
      begin_queue(behind[i])
    end
  end
end

for i = 1, #joining, 8 do
  local last, n = struct.unpack('<II', joining, i)
  if last == 0 then
    begin_queue(n)
  else
    local place, offset = place_of(campaign, last)
    if place ~= where then
      write_joining()
      where, ends, behind = place, {}, {}
    end
    local at = #ends
    -- BITFIELD counts in bits, and the byte of most weight stands first
    ends[at + 1], ends[at + 2], ends[at + 3] = 'SET', 'u32', (offset + NEXT_AT) * 8
    ends[at + 4] = struct.unpack('>I', joining, i + 4)
    behind[#behind + 1] = n
  end
end
write_joining()
for from = 1, #heads, 2000 do
  redis.call('HSET', key('c', campaign, 'heads'), unpack(heads, from, math.min(from + 1999, #heads)))
end

-- unpack_contact would make a table and two texts of each
local PRIORITY_AND_DUE = '<xxxxhxxI' -- of LAYOUT
for i = 1, #others, 4 do
  local n = struct.unpack('<I', others, i)
  local priority, due = struct.unpack(PRIORITY_AND_DUE, records, (n - before - 1) * BYTES + 1)
  if due > now then
    redis.call('ZADD', key('later'), due, campaign .. '/' .. n)
  else
    local agent = agent_of(n)
    local rank = (priority ~= 0 or due > 0) and rank_of(priority, due, n) or rank_among_plain(n)
    redis.call('ZADD', key('c', campaign, 'ranked', agent), rank, n)
    if not is_ranked[agent] then
      agents[#agents + 1], is_ranked[agent] = agent, true
    end
  end
end

-- as want_agent would, but many at once
local free_agents = {}
for from = 1, #agents, 1000 do
  local last = math.min(from + 999, #agents)
  local held = redis.call('HMGET', key('busy'), unpack(agents, from, last))
  local rests_until = redis.call('ZMSCORE', key('resting'), unpack(agents, from, last))
  for i = from, last do
    if held[i - from + 1] or tonumber(rests_until[i - from + 1] or 0) > now
      or is_away(agents[i]) then
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
if single ~= '' then
  for _, name in ipairs({ 'rows', 'accepted', 'added' }) do
    redis.call('HINCRBY', key('c', campaign), name, added)
  end
end
count(campaign, 'waiting', added)
return before + added
