-- What is added up of attempts: of the account's day, of each quarter of an hour, of each agent's day.

local used_less = {} -- day -> what fewer calls, seconds and spend it counts
local figured = {} -- quarter of an hour -> what is added to each of its figures

-- A call that was none is not one of the agent's calls of the day.
local function give_back(agent, day)
  local calls = key('agent_calls', day)
  if redis.call('HEXISTS', calls, agent) == 1 then
    redis.call('HINCRBY', calls, agent, -1)
    if presence_of(agent) == 'full' then
      come_back(agent, '', 'dialer')
    end
  end
end

-- Whole numbers are added at half the cost.
local function adding(name)
  return name == 'spend' and 'HINCRBYFLOAT' or 'HINCRBY'
end

local function add_up(sums, added)
  for name, by in pairs(added) do
    sums[name] = (sums[name] or 0) + by
  end
end

-- What an attempt took of the account's day takes the place of what was counted for it until now.
local function use_of_day(id, uses, agent)
  local counted = redis.call('HGET', key('counted'), id)
  if not counted then
    return
  end
  local day, s, spend = string.match(counted, '^(%S+) (%S+) (%S+)$')
  local less = {
    calls = uses.calls and 1 or 0, seconds = s - (uses.s or s), spend = spend - (uses.spend or spend),
  }
  if uses.done then
    redis.call('HDEL', key('counted'), id)
  else
    redis.call('HSET', key('counted'), id, day .. ' ' .. (uses.s or s) .. ' '
      .. (uses.spend and string.format('%.17g', uses.spend) or spend))
  end
  if less.calls > 0 then
    give_back(agent, day)
  end
  used_less[day] = used_less[day] or {}
  add_up(used_less[day], less)
end

local function write_used(day, less)
  if redis.call('EXISTS', key('day', day)) == 0 then
    return -- long past
  end
  for name, by in pairs(less) do
    if by ~= 0 then
      redis.call(adding(name), key('day', day), name, -by)
    end
    if by > 0 and name == redis.call('HGET', key('account'), 'capped_by') then
      redis.call('HDEL', key('account'), 'capped_by', 'capped_until') -- the gate finds out
    end
  end
end

-- Adds to what an agent did on a day, which their page shows: calls, conversations, seconds talked, calls
-- missed, dispositions.
local function add_to_day(did)
  local where, sums = key('agent_day', did.day), {}
  local before = redis.call('HGET', where, did.agent)
  for n in string.gmatch(before or '0 0 0 0 0', '%d+') do
    local by = did.adds[#sums + 1]
    sums[#sums + 1] = by == 0 and n or n + by
  end
  redis.call('HSET', where, did.agent, table.concat(sums, ' '))
  if not before then
    keep_for(where, 3 * 86400)
  end
end

-- The last conversations of an agent that wait for a word, the newest first.
local function note_talk(agent, id)
  redis.call('LPUSH', key('talks', agent), id)
  redis.call('LTRIM', key('talks', agent), 0, 9)
  redis.call('EXPIRE', key('talks', agent), 2 * 86400)
end

-- Adds to the figures of the quarter of an hour in which an attempt was requested, s. 864000: seven days
-- are compared with, and a day's may lie in two of these.
local function add_to_figures(requested_at, figures)
  local quarter = math.floor(requested_at / 900)
  if now - requested_at <= 864000 then
    figured[quarter] = figured[quarter] or {}
    add_up(figured[quarter], figures)
  end
end

local function write_figures(quarter, added)
  local where, of_quarter = key('figures', math.floor(quarter / 96)), quarter .. ':'
  for name, by in pairs(added) do
    if tonumber(redis.call(adding(name), where, of_quarter .. name, by)) == by then
      keep_for(where, 864000) -- by the first of a quarter
    end
  end
end

-- Writes the account's days and the quarters of an hour, once a script.
local function write_sums()
  for day, less in pairs(used_less) do
    write_used(day, less)
  end
  for quarter, added in pairs(figured) do
    write_figures(quarter, added)
  end
end
