-- Teams: whom of a group a call rings.

-- A contact may name a team where another names an agent: a group, or an agent with stand-ins. Its number
-- is no phone's, and queues know it as they know agents. Who is rung the gate
-- chooses; until then a release holds its customer and claims one of the team.
-- Of a group those believed free stand in `free_of`. Who was taken by others meanwhile is found when
-- their turn comes, and waits in what is `wanted` of their own number to be put back.

local teams_read = {}
local function team_of(id)
  if not teams_read[id] then
    local told = redis.call('HGET', key('teams'), id)
    teams_read[id] = told and cjson.decode(told) or { agents = {} }
  end
  return teams_read[id]
end

local function is_member_taken(member)
  return is_taken(member) or is_away(member)
end

-- Calls a team back when this member is free, or gone for longer than a call.
local function await_member(team, member)
  redis.call('SADD', key('wanted', member), '@' .. team)
end

-- Of an agent with stand-ins, whoever may be rung now, the first one preferred: a stand-in where those
-- before are away or left alone, and only where the team says so, while they are merely on a call.
local function standing_ready(id)
  local team, ready = team_of(id), {}
  for _, member in ipairs(team.agents) do
    local is_free = not is_member_taken(member)
    if is_free then
      ready[#ready + 1] = member
    else
      await_member(id, member)
    end
    local is_gone = not is_free and (is_away(member)
      or tonumber(redis.call('HGET', key('parked'), member) or 0) > now)
    if not is_gone and not team.when_busy then
      break
    end
  end
  return ready
end

local function is_agent_taken(agent)
  if not is_team(agent) then
    return is_member_taken(agent)
  end
  local ready = team_of(agent).agents and #standing_ready(agent)
    or redis.call('ZCARD', key('free_of', agent))
  return ready <= redis.call('SCARD', key('claims', agent))
end
