-- Contacts in their agents' queues, and numbers that become free.

-- Takes the first contact out of its agent's queue, of which the next one is the head from now on.
-- Whoever moves the contact on writes that. `agent` is whose queue it is: one who was closed and
-- forgotten still stands in it, and tells a number no more.
local function step_forward(campaign, agent, c)
  if c.next ~= LAST then
    redis.call('HSET', key('c', campaign, 'heads'), agent, string.format('%.0f', c.next))
    return
  end
  c.next = APART
  if c.flags ~= NEWCOMER then -- else the queue was not open yet
    redis.call('HDEL', key('c', campaign, 'heads'), agent)
  end
end

-- A contact's rank, the lowest first: by priority, then what is due by its instant, then as in the
-- file. Contacts that were never tried and have no priority are not ranked: they stand at PLAIN and
-- their number. One that was added by itself is ranked there, and so takes its turn among them.
local PRIORITY, NEVER_TRIED, PLAIN = 1e11, 5e9, 1e10 -- an instant is below 4.3e9

local function rank_among_plain(n)
  return PLAIN + n
end

local function rank_of(priority, due, n)
  return -priority * PRIORITY + (due > 0 and due or NEVER_TRIED + n)
end

-- When an agent's turn is among the ready of a campaign, the lowest first: below zero while they
-- have a contact that goes before plain ones, else since when they wait, or last; nil when they have
-- no contact that may be dialled.
local function turn_of(campaign, agent)
  local first = redis.call('ZRANGE', key('c', campaign, 'ranked', agent), 0, 0, 'WITHSCORES')
  local rank = tonumber(first[2] or nil)
  if rank and rank < PLAIN then
    return rank - PLAIN
  elseif rank and rank < PLAIN + NEVER_TRIED
    or redis.call('HEXISTS', key('c', campaign, 'heads'), agent) == 1 then
    return now
  end
  return rank
end

-- Where the agent has something to do in this campaign: take turns if free, else be called when freed.
local function want_agent(campaign, agent)
  local turn = turn_of(campaign, agent)
  if not turn then
    return
  elseif is_agent_taken(agent) then
    redis.call('SADD', key('wanted', agent), campaign)
  else
    redis.call('ZADD', key('c', campaign, 'ready'), 'LT', turn, agent)
    join_turns(campaign)
  end
end

local function queue(campaign, n, c)
  redis.call('ZADD', key('c', campaign, 'ranked', c.agent), rank_of(c.priority, c.due, n), n)
  want_agent(campaign, c.agent)
end

-- Takes a waiting contact out of wherever it waits. In its agent's queue it is passed over when its
-- turn comes: by then it does not wait, or is not plain.
local function leave_queues(campaign, n, c)
  redis.call('ZREM', key('c', campaign, 'ranked', c.agent), n)
  redis.call('ZREM', key('later'), campaign .. '/' .. n)
  redis.call('SREM', key('wanted', c.customer), campaign .. '/' .. n)
  if c.flags == NEWCOMER then -- what stands among the newcomers without it is passed over
    step_forward(campaign, c.agent, c)
    c.flags = 0
    write_contact(c)
    want_agent(campaign, c.agent)
  end
end

local function is_plain(c)
  return c.made == 0 and c.due == 0 and c.priority == 0
end

-- Wakes whoever waited for this number: campaigns for their agent, contacts for their customer, teams
-- for their member.
local function wake(number)
  local waiting = redis.call('SMEMBERS', key('wanted', number))
  if #waiting > 0 then
    redis.call('DEL', key('wanted', number))
  end
  for _, one in ipairs(waiting) do
    local campaign, n = string.match(one, '^(.+)/(%d+)$')
    local team = string.match(one, '^@(%d+)$')
    if team and team_of(team).agents then
      wake(team)
    elseif team then
      if redis.call('SISMEMBER', key('members', team), number) == 0 then
        team = nil -- they left it
      elseif is_member_taken(number) then
        await_member(team, number)
      else
        redis.call('ZADD', key('free_of', team), now, number)
        wake(team)
      end
    elseif campaign then
      local c = read_contact(campaign, tonumber(n))
      if c and c.state == WAITING then
        queue(campaign, tonumber(n), c)
      end
    else
      want_agent(one, number)
    end
  end
end

-- Who spoke with a customer last in campaigns that ask for the same agent: known for 30 to 60 days.
local SPOKE_S = 30 * 86400

local function note_who_spoke(customer, agent)
  local where = key('spoke', math.floor(now / SPOKE_S))
  redis.call('HSET', where, customer, agent)
  keep_for(where, 2 * SPOKE_S)
end

local function who_spoke_lately(customer)
  local span = math.floor(now / SPOKE_S)
  return redis.call('HGET', key('spoke', span), customer)
    or redis.call('HGET', key('spoke', span - 1), customer) or nil
end

-- Frees a number that `holder` holds, after a rest where one is due; never somebody else's.
-- Gives whether it was theirs.
local function free(number, holder, rest_s)
  if redis.call('HGET', key('busy'), number) ~= holder then
    return false
  end
  redis.call('HDEL', key('busy'), number)
  if SHARED and redis.call('HGET', SHARED .. 'held_by', number) == prefix then
    let_go_for_all(number)
    if rest_s > 0 then
      hold_for_all(number, now + rest_s)
    end
  end
  if rest_s > 0 then
    redis.call('ZADD', key('resting'), now + rest_s, number)
  else
    wake(number)
  end
  return true
end
