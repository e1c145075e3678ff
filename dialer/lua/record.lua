-- Write what is now known of attempts, with all that follows from it, if nobody wrote meanwhile.
-- What follows was decided by the caller from the version it read; this script only compares and
-- writes, so repeating a decision, or deciding from old knowledge, changes nothing.
-- KEYS 1  prefix
-- GIVEN   RecordAttempts in dialer/store/attempts.py
-- Returns for each attempt {'ok'} | {'stale', JSON as it stands or ''} | {'sid_taken', attempt id} |
-- {'failed', why}

local day = math.floor(now / 86400)
local slots_changed, known_to_work = false, false
local tallies = {} -- list of the last answers -> those to be added to it, and whose they are
local with_room = {} -- campaigns with a live call less

-- Gives the attempt that owns a Sid, which is this one where it was nobody's.
local function own(sid, id)
  local sids = key('sids', day)
  local owner = redis.call('HGET', key('sids', day - 1), sid)
  if owner or redis.call('HSETNX', sids, sid, id) == 0 then
    return owner or redis.call('HGET', sids, sid)
  end
  keep_for(sids, 86400 + 3600) -- the next day, whole
  return id
end

local function tally(where, campaign, answer)
  local list = tallies[where]
  if not list then
    list = { campaign = campaign, answers = {}, has = {} }
    tallies[where] = list
  end
  list.answers[#list.answers + 1] = answer
  list.has[answer] = true
end

local function due_in(seconds)
  return seconds > 0 and math.ceil(now + seconds) or math.floor(now)
end

-- Does what follows from a disposition of a contact's last attempt, where the contact may still go that
-- way: an open one at once; later words move one that waits, or open one again that was closed as
-- connected while its campaign goes on.
local function dispose(campaign, n, c, said)
  if said.suppress then
    redis.call('HSETNX', key('suppressed'), c.customer, said.suppress)
  end
  local due = said.due_s and due_in(said.due_s)
  if not due and not said.closes and c.state ~= OPEN then
    return
  end
  if c.state == WAITING then
    leave_queues(campaign, n, c)
  elseif c.state == FINAL then
    local state = redis.call('HGET', key('c', campaign), 'state')
    local is_over = state ~= 'loaded' and state ~= 'running' and state ~= 'paused'
    local expired = c.expires > 0 and due and c.expires <= due
    if not due or is_over or expired or c.outcome ~= code_of('connected', ENDS) or c.customer == '0' then
      return
    end
    count(campaign, 'outcome:connected', -1)
    event('contact.reopened', campaign, n, nil, 'connected')
    c.outcome = 0
  elseif c.state ~= OPEN then
    return
  end
  if due then
    redis.call('HSET', key('c', campaign, 'called_back'), n, c.made)
    pin(campaign, n, c, said.only and said.did.agent)
  end
  c.due = due or said.closes and 0 or c.due
  end_open(campaign, n, c)
end

local function record(one)
  local id, campaign, n, no = one.id, one.campaign, one.n, one.no
  local attempts = key('c', campaign, 'attempts', math.floor((n - 1) / PER_CHUNK))
  local field = n .. '-' .. no
  local stored = redis.call('HGET', attempts, field)
  if not stored then
    return { 'stale', '' }
  end
  if tonumber(string.match(stored, '^%[(%d+),')) ~= one.version then
    return { 'stale', stored }
  end
  local follows = cjson.decode(one.follows)
  local c
  if follows.settle or follows.unresolved or follows.bound or follows.correct or follows.suppress
    or follows.disposed then
    -- read before anything is written: on a damaged contact nothing must be done by half
    require_counts(campaign)
    c = assert(read_contact(campaign, n), 'the contact is not there')
  end

  if follows.sid then
    local owner = own(follows.sid, id)
    if owner ~= id then
      return { 'sid_taken', owner }
    end
  end

  redis.call('HSET', attempts, field, one.after)
  local version = one.version + 1
  if string.find(one.after, '^%[%d+,"settled"') and not follows.settle then
    local was_final = rewritten(campaign)
    if was_final and follows.revalued then
      event('attempt.corrected', campaign, field, nil, follows.revalued .. ' ' .. follows.revalued, version)
    end
  end
  if follows.sid then
    event('attempt.placed', campaign, field, nil, nil, version)
  end
  if follows.answered then
    event('attempt.answered', campaign, field, nil, follows.answered, version)
  end

  if follows.slot_s then
    redis.call('ZADD', key('slots'), exact(now + follows.slot_s), id)
    slots_changed = true
  end
  if follows.counted_s then
    redis.call('ZADD', key('slots'), 'XX', 'LT', exact(now + follows.counted_s), id)
    slots_changed = true
  end
  if follows.look_s then
    redis.call('ZADD', key('open'), exact(now + follows.look_s), id)
  end
  if follows.late_s then
    if follows.late_s > 0 then
      redis.call('ZADD', key('late'), exact(now + follows.late_s), id)
    else
      redis.call('ZREM', key('late'), id)
    end
  end
  if follows.recorded then
    redis.call('ZADD', key('recordings_due'), now, id)
  end

  -- One that Redis had lost may be back beside a later one of its contact, or after that was closed:
  -- then it says nothing of where the contact stands.
  local is_last = c and c.made == no and (c.state == DIALING or c.state == UNRESOLVED)
  if is_last and follows.unresolved and c.state == DIALING then
    move(campaign, n, c, UNRESOLVED)
  elseif is_last and follows.bound and c.state == UNRESOLVED then
    move(campaign, n, c, DIALING)
  end

  local settle = follows.settle
  if settle then
    redis.call('ZREM', key('open'), id)
    count(campaign, 'attempt:' .. settle.outcome, 1)
    event('attempt.settled', campaign, field, nil, settle.outcome, version)
    if not settle.charged then
      c.charged = c.charged - 1
      count(campaign, 'charged', -1)
    end
    if not is_last then
      write_contact(c)
    elseif settle.final and not settle.open_s then
      close_contact(campaign, n, c, settle.final)
    else
      c.due = settle.final and 0 or due_in(settle.due_s or 0)
      if settle.open_s then
        open_contact(campaign, n, c, settle.open_s)
      else
        requeue(campaign, n, c)
      end
    end
    local rest_s = settle.rest_s
    if settle.wraps_s then
      rest_s = math.max(rest_s, settle.wraps_s)
    end
    local rung, is_left_alone = one.rung, false
    if settle.missed == true then
      local missed = redis.call('HINCRBY', key('missed'), rung, 1)
      event('agent.missed', campaign, field, nil, missed)
      if settle.park_after and missed >= settle.park_after then
        rest_s = math.max(rest_s, settle.park_s or 0)
        is_left_alone = true
        redis.call('HSET', key('parked'), rung, text(now + rest_s))
        log_presence(rung, 'missed', string.format('%d in a row', missed), 'dialer', now + rest_s)
        event('agent.parked', campaign, field, nil, text(now + rest_s))
        redis.call('HDEL', key('missed'), rung)
      end
    elseif settle.missed == false then
      redis.call('HDEL', key('missed'), rung)
    end
    for _, cap in ipairs(settle.refund and settle.refund.items or {}) do
      local day = cap[4] == 'number' and key('calls', settle.refund.day)
        or key('c', campaign, 'day', settle.refund.day)
      redis.call('HINCRBYFLOAT', day, cap[1], -cap[2])
      if cap[4] == 'campaign' then
        redis.call('HDEL', key('c', campaign), 'capped_until', 'capped_by')
      end
    end
    if c.team then
      redis.call('HSET', key('idle_since'), rung, text(now + rest_s))
    end
    if free(rung, id, rest_s) and rest_s > 0 then
      redis.call('HSET', key('wrapping_up'), rung, text(now + rest_s))
      if settle.wraps_s then
        redis.call('HSET', key('waits_for_word'), rung, id .. ' ' .. text(now + settle.rest_s))
      end
    end
    if settle.sticks then
      note_who_spoke(c.customer, rung)
    end
    if settle.did then
      add_to_day(settle.did)
      if settle.open_s then
        note_talk(settle.did.agent, id)
      end
    end
    free(c.customer, id, settle.gap_s or 0)
    if is_left_alone then
      wake(rung) -- their stand-ins may be rung now
    end
    with_room[campaign] = true
  end

  local correct = follows.correct
  if correct then
    count(campaign, 'attempt:' .. correct.was, -1)
    count(campaign, 'attempt:' .. correct.now, 1)
    event('attempt.corrected', campaign, field, nil, correct.now .. ' ' .. correct.was, version)
    if correct.charged ~= 0 then
      c.charged = c.charged + correct.charged
      count(campaign, 'charged', correct.charged)
      write_contact(c)
    end
    if c.made == no and c.state == FINAL and c.outcome == code_of(correct.was, ENDS) then
      c.outcome = code_of(correct.now, ENDS)
      write_contact(c)
      count(campaign, 'outcome:' .. correct.was, -1)
      count(campaign, 'outcome:' .. correct.now, 1)
      event('contact.corrected', campaign, field, nil, correct.now .. ' ' .. correct.was)
    elseif c.made == no and c.state == WAITING and correct.closes
      and tonumber(redis.call('HGET', key('c', campaign, 'called_back'), n) or -1) ~= no then
      leave_queues(campaign, n, c)
      close_contact(campaign, n, c, correct.now)
    elseif c.made == no and c.state == OPEN and correct.now ~= 'connected' then
      redis.call('ZREM', key('undisposed'), campaign .. '/' .. n) -- there was no conversation
      if correct.closes then
        close_contact(campaign, n, c, correct.now)
      else
        c.due = due_in(correct.due_s or 0)
        requeue(campaign, n, c)
      end
    end
    if correct.disposition then
      count(campaign, 'disposition:' .. correct.disposition, correct.now == 'connected' and 1 or -1)
    end
  end

  local said = follows.disposed
  if said then
    local before = cjson.decode(stored)[ATTEMPT.disposition]
    if before and before ~= cjson.null then
      count(campaign, 'disposition:' .. before, -1)
      event('contact.disposition_corrected', campaign, field, nil, said.name .. ' ' .. before, version)
    else
      event('contact.dispositioned', campaign, field, nil, said.name, version)
    end
    count(campaign, 'disposition:' .. said.name, 1)
    if c.made == no then
      dispose(campaign, n, c, said)
    elseif said.suppress then
      redis.call('HSETNX', key('suppressed'), c.customer, said.suppress)
    end
    end_wrap_up(said.did.agent, id)
    if not before or before == cjson.null then
      add_to_day(said.did)
    end
  end

  if follows.uses then
    use_of_day(id, follows.uses, one.rung)
  end

  if follows.figures then
    add_to_figures(one.requested_at, follows.figures)
    count_told(campaign, 'talk_s', follows.figures.talk_s or 0)
    count_told(campaign, 'spend', math.floor((follows.figures.spend or 0) * 1e6 + 0.5))
  end

  if follows.tally then
    tally(key('recent'), campaign, follows.tally)
    tally(key('c', campaign, 'recent'), campaign, follows.tally)
  end
  if follows.suppress then
    redis.call('HSETNX', key('suppressed'), c.customer, follows.suppress)
  end
  if follows.stop then
    if account().stopped ~= follows.stop then
      account().stopped = follows.stop
      event('account.stopped', nil, nil, nil, follows.stop)
    end
    redis.call('HSET', key('account'), 'stopped', follows.stop, 'stopped_at', text(now))
    if follows.probe_s then
      redis.call('HSET', key('account'), 'probe_at', text(now + follows.probe_s))
    else
      redis.call('HDEL', key('account'), 'probe_at')
    end
    known_to_work = false
  end
  if follows.works and not known_to_work then
    resume_account('the provider took a request')
    redis.call('HDEL', key('pace'), 'faults')
    known_to_work = true
  end
  if follows.pause then
    pause(campaign, follows.pause)
  end
  return { 'ok' }
end

local answers = each(given.attempts, record)
write_sums()
for campaign in pairs(with_room) do
  join_turns(campaign) -- it may have been at its own cap of live calls
end
if slots_changed then
  redis.call('HDEL', key('pace'), 'full_until') -- slots may be free sooner than was thought
end

-- Trouble that comes in rows: half of the last twenty unknown, or ten of the last fifty of a
-- campaign refused for what they ask.
local function is_trouble(where, last, what, most)
  local list = tallies[where]
  local pushed = redis.pcall('LPUSH', where, unpack(list.answers))
  if type(pushed) ~= 'number' then
    redis.call('DEL', where) -- damaged: a breaker may forget, and answers must be written
  elseif pushed > 2 * last then
    redis.call('LTRIM', where, 0, last - 1)
  end
  if not list.has[what] then
    return false -- only one more of these can be one too many
  end
  local n = 0
  for _, one in ipairs(redis.call('LRANGE', where, 0, last - 1)) do
    n = n + (one == what and 1 or 0)
  end
  if n > most then
    redis.call('DEL', where)
  end
  return n > most
end

for where, list in pairs(tallies) do
  if where == key('recent') then
    if is_trouble(where, 20, 'unknown', 10) then
      close_gate(30)
    end
  elseif is_trouble(where, 50, 'refused', 9) then
    pause(list.campaign, 'the provider refused 10 of the last 50 contacts')
  end
end
return answers
