-- Shared by every step: keys, the clock, contact records, and how numbers are held and freed.
-- It is put before each script, whose own text is the body of `step()`; epilogue.lua runs that.
-- See dialer/store/keys.py for what every key holds. A call of Redis costs more than anything Lua
-- does itself, so what a script needs often is read once, and what it counts is written once.
-- KEYS 1  prefix of the account's keys, hash tag included
-- Before it stand SHARED, the prefix of what accounts on this Redis know of phones together, or nil;
-- TELLS, whether events are kept; END and EVENT, the codes of ends and of kinds of events, and ATTEMPT,
-- the places of values in one that is stored, all by name; behind it
-- `given`, what the script is given, by name too: see dialer/store/scripts.py.

local P = KEYS[1]

local function key(a, b, c, d) -- spelt out: it is made dozens of times a script
  if d then
    return P .. a .. ':' .. b .. ':' .. c .. ':' .. d
  elseif c then
    return P .. a .. ':' .. b .. ':' .. c
  end
  return b and P .. a .. ':' .. b or P .. a
end

-- Redis' own clock: all hosts share it, and a worker whose clock is wrong harms nobody.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function text(seconds)
  return string.format('%.6f', seconds) -- tostring() keeps 14 digits, too few for microseconds
end

---------------------------------------------------------------- events
-- What happens is told by the step that makes it happen; see dialer/store/events.py. It is written at
-- the script's end, in the order in which it was told.

local happened, told = {}, {}

-- What is told of a campaign is counted with it, the rest with the account.
local function count_told(campaign, what, by)
  local where = campaign and key('c', campaign, 'told') or key('told')
  told[where] = told[where] or {}
  told[where][what] = (told[where][what] or 0) + by
end

-- All but the kind may be left out. `no` is an attempt's number, `version` the attempt's from now on,
-- `more` is text.
local function event(kind, campaign, n, no, more, version)
  local who = n and (no and n .. '-' .. no or n) or '-'
  happened[#happened + 1] = EVENT[kind] .. ' ' .. (campaign or '-') .. ' ' .. who .. ' '
    .. (version or '-') .. (more and ' ' .. more or '')
  count_told(campaign, kind, 1)
end

-- Where no events are kept, a campaign to which something happened is no longer told of from its start.
local function write_events()
  for where, kinds in pairs(told) do
    if TELLS then
      for kind, times in pairs(kinds) do
        redis.call('HINCRBY', where, kind, times)
      end
    else
      redis.call('DEL', where)
    end
  end
  for _, one in ipairs(TELLS and happened or {}) do
    redis.call('XADD', key('events'), '*', 'e', one)
  end
end

---------------------------------------------------------------- lost state

-- Why the account may not dial, and the epoch: read once a script.
local account_read
local function account()
  if not account_read then
    local a = redis.call('HMGET', key('account'), 'run_id', 'epoch', 'hold', 'stopped', 'probe_at',
      'probing', 'capped_by', 'capped_until', 'hand', 'terms', 'hold_id', 'held_at')
    account_read = {
      run_id = a[1], epoch = tonumber(a[2] or 0), hold = a[3],
      stopped = a[4], probe_at = tonumber(a[5] or nil), probing = a[6],
      capped_by = a[7], capped_until = tonumber(a[8] or 0),
      hand = a[9], terms = a[10] or '', hold_id = a[11], held_at = tonumber(a[12] or 0),
    }
  end
  return account_read
end

-- Holds dialling because this Redis may have lost writes. Each such hold has an id of its own: who
-- worked one off must not end the next. A hold by hand stands beside it, under `hand`.
-- Until when this Redis knew of its hosts is read before any of them writes again; while a hold is
-- not over, that of its beginning stands, or who is waited for since then would be forgotten.
local function hold_account(why, missing)
  local before = redis.call('HMGET', key('account'), 'hold', 'known_until')
  local known_until = before[1] and tonumber(before[2] or nil)
  if not known_until then
    known_until = 0
    for _, seen in ipairs(redis.call('HVALS', key('hosts'))) do
      known_until = math.max(known_until, tonumber(seen))
    end
  end
  local id = text(now) .. '/' .. redis.call('HINCRBY', key('account'), 'holds', 1)
  redis.call('HSET', key('account'), 'hold', why, 'hold_id', id, 'held_at', text(now),
    'known_until', text(known_until))
  if missing then
    redis.call('HSET', key('account'), 'lost', missing)
  end
  redis.call('HDEL', key('account'), 'sealed', 'unplaced') -- slots and calls may be lost anew
  redis.call('DEL', key('reported'))
  event('account.held', nil, nil, nil, why)
  account().hold, account().hold_id, account().held_at = why, id, now
end

-- Forgets that the provider refused the account, for this reason; tells whether it did.
local function resume_account(why)
  local was_stopped =
    redis.call('HDEL', key('account'), 'stopped', 'stopped_at', 'probe_at', 'probing') > 1
  if was_stopped then
    event('account.resumed', nil, nil, nil, why)
  end
  return was_stopped
end

-- Whether a caller's settings are those of the account's other processes; see agree.lua.
local function has_terms(fingerprint)
  return account().terms == '' or account().terms == fingerprint
end

-- Every intent raises the epoch, and whoever wrote one remembers it. A Redis that is behind what a
-- caller remembers has lost state; one whose run id is new was restarted or failed over to, and may
-- have. Either way nothing is dialled until the hold is released; see dialer/dialing/recovery.py.
-- Where INFO is not allowed no run id is told: then the epoch alone tells of what was lost, and
-- doctor says so.
-- Returns the epoch, or nil when dialling is held.
local function epoch_or_hold(remembered)
  local a = account()
  local info = redis.pcall('INFO', 'server')
  local run_id = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or a.run_id or ''
  local is_new = not a.run_id and remembered == 0
  local lost = remembered > a.epoch
  if (a.run_id or '') ~= run_id or lost then
    local missing = remembered - a.epoch
    a.run_id, a.epoch = run_id, math.max(a.epoch, remembered)
    redis.call('HSET', key('account'), 'run_id', a.run_id, 'epoch', a.epoch)
    if is_new then
      return a.epoch
    end
    hold_account(lost and 'Redis lost state' or 'Redis was restarted', lost and missing)
    return nil
  end
  if a.hold or a.hand then
    return nil
  end
  return a.epoch
end

---------------------------------------------------------------- contacts
-- A contact is 36 bytes in a string of a hundred, so a million cost 36 MB and ten thousand keys.

local PER_CHUNK, BYTES, LAYOUT, CHANGES = 100, 36, '<BBBBhHIIIdd', '<BBBBhHII'
local NEXT_AT, PAIR_AT = 12, 20
local LAYOUT_OF_CONTACTS = 2 -- raised whenever a contact is stored otherwise; see dialer/store/layout.py
local WAITING, RELEASED, DIALING, UNRESOLVED, FINAL, OPEN = 1, 2, 3, 4, 5, 6
local STATE = { 'waiting', 'released', 'dialing', 'unresolved', 'final', 'open' }
-- In the flags of a contact that stands among its campaign's newcomers. In those of others they
-- count how often a worker died on the way to the gate with it.
local NEWCOMER = 128
-- A contact that was never tried and has neither priority nor due time is plain. The plain ones of an
-- agent are the agent's queue, in the file's order: each names the next, so that a long queue costs no
-- memory of its own that grows in ten thousand places while a list is loaded.
local LAST, APART = 0, 0xFFFFFFFF -- instead of a next one: nobody stands behind it | in no queue

local function place_of(campaign, n)
  local i = n - 1
  return key('c', campaign, 'contacts', math.floor(i / PER_CHUNK)), (i % PER_CHUNK) * BYTES
end

-- A contact may name a team where another names an agent: see below. Its number is below a million.
local function is_team(agent)
  return #agent <= 6 and agent ~= '0'
end

-- The one agent of a team whom a contact's call back is for, where somebody said so; until that is over
-- it is that agent's in every respect.
local some_pinned = {}
local function pin_of(campaign, n)
  if some_pinned[campaign] == nil then
    some_pinned[campaign] = redis.call('EXISTS', key('c', campaign, 'pinned')) == 1
  end
  return some_pinned[campaign] and redis.call('HGET', key('c', campaign, 'pinned'), n)
end

local function unpack_contact(campaign, n, bytes)
  local c = {}
  c.state, c.outcome, c.charged, c.flags, c.priority, c.made, c.due, c.next, c.expires, c.agent,
    c.customer = struct.unpack(LAYOUT, bytes)
  c.agent, c.customer = string.format('%.0f', c.agent), string.format('%.0f', c.customer)
  c.team = is_team(c.agent) and c.agent or nil
  c.agent = c.team and pin_of(campaign, n) or c.agent
  return c
end

local function read_contact(campaign, n)
  local where, offset = place_of(campaign, n)
  local bytes = redis.call('GETRANGE', where, offset, offset + BYTES - 1)
  if #bytes == BYTES then
    return unpack_contact(campaign, n, bytes)
  end
end

-- Says whom of its team a contact that stands in no queue is for from now on; nil: for all of it.
local function pin(campaign, n, c, agent)
  if not c.team then
    return
  elseif agent then
    redis.call('HSET', key('c', campaign, 'pinned'), n, agent)
    some_pinned[campaign] = true
  elseif c.agent ~= c.team then
    redis.call('HDEL', key('c', campaign, 'pinned'), n)
  end
  c.agent = agent or c.team
end

-- What steps change stands first; whom a contact is about, and how long, stays as it was loaded.
local function write_contact(campaign, n, c)
  local where, offset = place_of(campaign, n)
  redis.call('SETRANGE', where, offset, struct.pack(
    CHANGES, c.state, c.outcome, c.charged, c.flags, c.priority, c.made, c.due, c.next))
end

local counted = {}

local function count(campaign, what, by)
  counted[campaign] = counted[campaign] or {}
  counted[campaign][what] = (counted[campaign][what] or 0) + by
end

-- At the script's end, and before counts are read.
local function write_counts()
  for campaign, added in pairs(counted) do
    for what, by in pairs(added) do
      if by ~= 0 then
        redis.call('HINCRBY', key('c', campaign, 'counts'), what, by)
      end
    end
  end
  counted = {}
end

local function move(campaign, n, c, state)
  count(campaign, STATE[c.state], -1)
  count(campaign, STATE[state], 1)
  c.state = state
  write_contact(campaign, n, c)
end

---------------------------------------------------------------- turns and queues

-- Calls a feeder, which waits for this while it has nothing to do; see dialer/dialing/releasing.py.
local function call_feeder()
  if redis.call('EXISTS', key('calls_feeder')) == 0 then
    redis.call('RPUSH', key('calls_feeder'), 1)
  end
end

-- Lets a running, open campaign take turns. One that was away joins at the present virtual time,
-- so that it neither starves nor makes up for its absence.
-- Returns whether it has joined now; a feeder is called then, unless it is the feeder that asks.
local function let_join_turns(campaign)
  local c = redis.call('HMGET', key('c', campaign),
    'state', 'open_from', 'open_until', 'priority', 'virtual_time', 'capped_until')
  if c[1] ~= 'running' or now < tonumber(c[2] or 0) or now >= tonumber(c[3] or 0)
    or now < tonumber(c[6] or 0) then
    return
  end
  local clock = tonumber(redis.call('HGET', key('pace'), 'virtual_clock') or 0)
  local at = math.max(tonumber(c[5] or 0), clock)
  return redis.call('ZADD', key('turns'), 'NX', -tonumber(c[4] or 0) * 1e12 + at, campaign) == 1
end

local function join_turns(campaign)
  if let_join_turns(campaign) then
    call_feeder()
  end
end

-- Pauses a campaign for a reason of ours; one that does not run is left as it is.
local function pause(campaign, why)
  if redis.call('HGET', key('c', campaign), 'state') == 'running' then
    redis.call('HSET', key('c', campaign), 'state', 'paused', 'why', why, 'paused_at', text(now))
    redis.call('ZREM', key('turns'), campaign)
    event('campaign.paused', campaign, nil, nil, why)
  end
end

-- Phones that accounts share: which of them has a number on a call, or resting after one, and until
-- when. A call that is forgotten, or whose account is gone, holds its numbers no longer than it could
-- have lasted. Whoever is held elsewhere is looked at again a little later: nobody there wakes us.
local LOOK_AGAIN_S = 2

local function is_held_elsewhere(number)
  if not SHARED
    or tonumber(redis.call('ZSCORE', SHARED .. 'held_until', number) or 0) <= now
    or redis.call('HGET', SHARED .. 'held_by', number) == P then
    return false
  end
  redis.call('ZADD', key('resting'), 'GT', now + LOOK_AGAIN_S, number)
  return true
end

local function let_go_for_all(number)
  redis.call('ZREM', SHARED .. 'held_until', number)
  redis.call('HDEL', SHARED .. 'held_by', number)
end

local function hold_for_all(number, until_at)
  if SHARED then
    for _, over in ipairs(redis.call('ZRANGEBYSCORE', SHARED .. 'held_until', '-inf', now, 'LIMIT', 0, 2)) do
      let_go_for_all(over)
    end
    redis.call('ZADD', SHARED .. 'held_until', until_at, number)
    redis.call('HSET', SHARED .. 'held_by', number, P)
  end
end

local function is_taken(number)
  return redis.call('HEXISTS', key('busy'), number) == 1
    or tonumber(redis.call('ZSCORE', key('resting'), number) or 0) > now
    or is_held_elsewhere(number)
end

-- Who is on a break, off, out of their shift or done for the day; `until` is the score. Where nobody is,
-- that is asked once a script and costs nothing more.
local some_away

local function is_away(agent)
  if some_away == nil then
    some_away = redis.call('EXISTS', key('away')) == 1
  end
  return some_away and tonumber(redis.call('ZSCORE', key('away'), agent) or 0) > now
end

---------------------------------------------------------------- teams
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

local suppressions = {} -- lists of numbers that must not be rung -> whether there are any

local function is_on(list, number)
  if suppressions[list] == nil then
    suppressions[list] = redis.call('EXISTS', list) == 1
  end
  return suppressions[list] and redis.call('HEXISTS', list, number) == 1
end

local function is_suppressed_for_all(number)
  return is_on(key('suppressed'), number) or SHARED and is_on(SHARED .. 'suppressed', number)
end

local function is_suppressed(campaign, number)
  return is_suppressed_for_all(number) or is_on(key('c', campaign, 'suppressed'), number)
end

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
    write_contact(campaign, n, c)
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
  redis.call('DEL', key('wanted', number))
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
        redis.call('ZADD', key('free_of', team), text(now), number)
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
  redis.call('EXPIRE', where, 2 * SPOKE_S)
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
  if SHARED and redis.call('HGET', SHARED .. 'held_by', number) == P then
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

---------------------------------------------------------------- presence

local PRESENCE_LOG_S = 92 * 86400

-- Where an agent is, in a word: `on`, `missed` while they are left alone, or why they are away.
local function presence_of(agent)
  if is_away(agent) then
    local told = redis.call('HGET', key('presence'), agent)
    return told and cjson.decode(told).state or 'off'
  end
  local left_alone = tonumber(redis.call('HGET', key('parked'), agent) or 0) > now
  return left_alone and 'missed' or 'on'
end

-- Notes a change for the sums of an agent's time, with what it was before, and tells it, by their id: no
-- number stands there.
local function log_presence(agent, state, reason, by, until_at)
  local known = redis.call('HGET', key('agents'), agent)
  if known then
    local ends_at = until_at and until_at < math.huge and text(until_at) or nil
    event('agent.presence', nil, nil, nil, cjson.encode(
      { agent = cjson.decode(known).id, state = state, reason = reason, by = by, until_at = ends_at }))
    local was = redis.call('HGET', key('presence'), agent)
    local function add(id)
      return redis.pcall('XADD', key('presence_log'), 'MINID', '~', math.floor((now - PRESENCE_LOG_S) * 1000),
        id, 'agent', cjson.decode(known).id, 'state', state, 'reason', reason, 'by', by,
        'at', text(now), 'until', ends_at or '', 'was', was and cjson.decode(was).state or 'on')
    end
    -- its place is when it happened, where the clock was not set back
    local added = add(string.format('%.0f-*', math.floor(now * 1000)))
    if type(added) == 'table' and added.err then
      add('*')
    end
  end
end

local function note_presence(agent, state, reason, by, until_at)
  log_presence(agent, state, reason, by, until_at)
  redis.call('HSET', key('presence'), agent,
    cjson.encode({ state = state, reason = reason, by = by, since = text(now) }))
end

-- Sends an agent away; a call in progress goes on, and whoever is released for them comes back from
-- the gate.
local function go_away(agent, state, reason, by, until_at)
  redis.call('ZADD', key('away'), until_at == math.huge and '+inf' or text(until_at), agent)
  some_away = true
  note_presence(agent, state, reason, by, until_at)
  wake(agent) -- their stand-ins may be rung now
end

local function come_back(agent, reason, by)
  redis.call('ZREM', key('away'), agent)
  note_presence(agent, 'on', reason, by)
  wake(agent)
end

-- Ends the rest of an agent who said what came of this attempt, but for the least one. One who rests
-- after a later call, or for another reason, rests on.
local function end_wrap_up(agent, id)
  local of, least = string.match(redis.call('HGET', key('waits_for_word'), agent) or '', '^(%S+) (%S+)$')
  if of ~= id then
    return
  end
  redis.call('HDEL', key('waits_for_word'), agent)
  local at = math.max(tonumber(least), now)
  if tonumber(redis.call('ZSCORE', key('resting'), agent) or 0) > at then
    redis.call('ZADD', key('resting'), text(at), agent)
    redis.call('HSET', key('wrapping_up'), agent, text(at))
    if redis.call('HEXISTS', key('idle_since'), agent) == 1 then
      redis.call('HSET', key('idle_since'), agent, text(at))
    end
    if SHARED and redis.call('HGET', SHARED .. 'held_by', agent) == P then
      hold_for_all(agent, at)
    end
    call_feeder() -- it sleeps until the rest would have ended
  end
end

---------------------------------------------------------------- ends

local function finish_campaign_if_done(campaign)
  write_counts()
  local left = redis.call('HMGET', key('c', campaign, 'counts'),
    'waiting', 'released', 'dialing', 'unresolved', 'open')
  for _, n in ipairs(left) do
    if tonumber(n or 0) ~= 0 then
      return
    end
  end
  local c = redis.call('HMGET', key('c', campaign), 'state', 'ends_as', 'loading')
  if c[3] and c[1] ~= 'cancelling' then
    return -- more of a file is on its way
  end
  local ended = ({ running = 'completed', paused = 'completed', cancelling = c[2] })[c[1]]
  if ended then
    redis.call('HSET', key('c', campaign), 'state', ended, 'ended_at', text(now))
    redis.call('ZREM', key('turns'), campaign)
    redis.call('SADD', key('ended'), campaign)
    event('campaign.' .. ended, campaign)
    redis.call('DEL', key('c', campaign, 'ready'), key('c', campaign, 'newcomers'),
      key('c', campaign, 'newcomers_since'))
    if c[1] == 'cancelling' then
      redis.call('DEL', key('c', campaign, 'heads'))
    end
  end
end

-- Whether so many contacts wait for a second person who starts the campaign too. Those that came one
-- at a time since two confirmed it count only beyond what one person alone may have dialled.
local function needs_second(size, second_above, confirmed, added_since)
  local allowed = tonumber(confirmed or 0) + math.min(added_since, second_above)
  return second_above > 0 and size > math.max(second_above, allowed)
end

-- Notes that what was over is not as it was read: late values, corrections, numbers that went. Tells
-- whether its report was said to be final: it is said anew, once nothing is asked for any more.
local function rewritten(campaign)
  redis.call('HINCRBY', key('c', campaign), 'rewritten', 1)
  local was_final = redis.call('HEXISTS', key('c', campaign), 'report_final') == 1
  if was_final then
    redis.call('SADD', key('ended'), campaign)
  end
  return was_final
end

-- A completed campaign has contacts to dial again: it is loaded, and somebody starts it.
local function reopen(campaign)
  redis.call('HSET', key('c', campaign), 'state', 'loaded')
  redis.call('SREM', key('ended'), campaign)
  event('campaign.reopened', campaign)
  call_feeder()
  redis.call('HDEL', key('c', campaign), 'ended_at', 'report_final')
  -- a queue of contacts that all left it is still there, and the next one stands behind them
  for _, agent in ipairs(redis.call('HKEYS', key('c', campaign, 'heads'))) do
    want_agent(campaign, agent)
  end
end

local function close_contact(campaign, n, c, name)
  pin(campaign, n, c, nil)
  c.outcome = END[name]
  move(campaign, n, c, FINAL)
  count(campaign, 'outcome:' .. name, 1)
  event('contact.final', campaign, n, c.made > 0 and c.made, name)
  finish_campaign_if_done(campaign)
end

-- Puts a contact that is not being dialled back in line: at once, or when it is due. `contact`
-- is closed instead where its campaign is being cancelled: nothing may wait there any more.
local function requeue(campaign, n, c)
  local closing = redis.call('HMGET', key('c', campaign), 'state', 'cancel_name')
  if closing[1] == 'cancelling' then
    close_contact(campaign, n, c, closing[2])
    return
  end
  move(campaign, n, c, WAITING)
  if c.due > now then
    redis.call('ZADD', key('later'), c.due, campaign .. '/' .. n)
  else
    queue(campaign, n, c)
  end
end

local function end_open(campaign, n, c)
  redis.call('ZREM', key('undisposed'), campaign .. '/' .. n)
  if c.due > 0 then
    requeue(campaign, n, c)
  else
    close_contact(campaign, n, c, 'connected')
  end
end

-- Leaves a contact open until its agent says what came of the conversation, `open_s` at most. Its due
-- keeps what the outcome's rule has for it then: when it is called again, or 0: it is closed. A campaign
-- that is being cancelled waits for nobody's word.
local function open_contact(campaign, n, c, open_s)
  if redis.call('HGET', key('c', campaign), 'state') == 'cancelling' then
    end_open(campaign, n, c)
    return
  end
  redis.call('ZADD', key('undisposed'), text(now + open_s), campaign .. '/' .. n)
  move(campaign, n, c, OPEN)
end

-- Lets go of what a release holds.
local function let_go(c, token)
  if not is_team(c.agent) then
    free(c.agent, token, 0)
  elseif redis.call('SREM', key('claims', c.agent), token) == 1 then
    wake(c.agent)
  end
  free(c.customer, token, 0)
end

-- Ends a release: the numbers are free and the contact waits again. No call was made.
local function take_back(campaign, n, token, c)
  redis.call('ZREM', key('released'), campaign .. '/' .. n .. '/' .. token)
  let_go(c, token)
  requeue(campaign, n, c)
end

---------------------------------------------------------------- pace

-- The allowance as it stands: provider refusals lower it for a while, nothing raises it.
local function allowance(limit, cut, cut_at)
  if not cut then
    return limit
  end
  local left = tonumber(cut) - math.floor((now - tonumber(cut_at)) / 600)
  return math.max(1, limit - math.max(0, left))
end

-- Closes the account's gate for so long; whoever closed it for longer is heeded.
local function close_gate(seconds)
  local closed_until = tonumber(redis.call('HGET', key('pace'), 'blocked_until') or 0)
  redis.call('HSET', key('pace'), 'blocked_until', text(math.max(now + seconds, closed_until)))
end

-- How fast the account may send: read once a script, written once at its end.
local pace_read
local function pace(limit)
  if not pace_read then
    local p = redis.call('HMGET', key('pace'),
      'blocked_until', 'next_at', 'slow_until', 'cut', 'cut_at')
    redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', text(now))
    pace_read = {
      blocked_until = tonumber(p[1] or 0), next_at = tonumber(p[2] or 0),
      slow_s = tonumber(p[3] or 0) - now, allowed = allowance(limit, p[4], p[5]),
      held = redis.call('ZCARD', key('slots')), granted = 0,
    }
  end
  return pace_read
end

-- Takes one slot and its place in the even spacing; see dialer/pacing.py for the proof.
-- Returns 0 when taken, else the seconds to wait.
local function take_slot(member, allowance)
  local p = pace(allowance.requests)
  local wait_s = math.max(p.blocked_until, p.next_at) - now
  if wait_s > 0 then
    return wait_s
  end
  if p.held >= p.allowed then
    local first = redis.call('ZRANGE', key('slots'), 0, 0, 'WITHSCORES')
    return math.max(0.001, tonumber(first[2] or now) - now)
  end
  redis.call('ZADD', key('slots'), text(now + allowance.lease_s), member)
  p.held, p.granted = p.held + 1, p.granted + 1
  local spacing_s = allowance.spacing_s
  if p.slow_s > 0 then
    spacing_s = spacing_s * (1 + p.slow_s / 600) -- half the rate at first, rising
  end
  p.next_at = math.max(p.next_at, now - allowance.slack_s) + spacing_s
  return 0
end

local function write_pace()
  if pace_read and pace_read.granted > 0 then
    redis.call('HSET', key('pace'), 'next_at', text(pace_read.next_at))
    local minute = key('sent', math.floor(now / 60))
    redis.call('HINCRBY', minute, math.floor(now), pace_read.granted)
    redis.call('EXPIRE', minute, 7200)
  end
end

---------------------------------------------------------------- many at once

-- What went wrong, as text that tells a fault of the data from one of the server.
local function fault(error)
  local why = type(error) == 'table' and error.err
  if why then
    return why -- of a command
  end
  why = tostring(error)
  return string.find(why, '^user_script') and why or 'user_script: ' .. why
end

-- Gives the answer of `does(one, its place)` for each of these; one that fails leaves the others
-- alone, and its answer is {'failed', why}.
local function each(ones, does)
  local answers = {}
  for place, one in ipairs(ones) do
    local done, answer = pcall(does, one, place)
    answers[place] = done and answer or { 'failed', fault(answer) }
  end
  return answers
end
