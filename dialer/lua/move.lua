-- Let waiting contacts of one agent, or team, wait for another. Those that are being dialled, or do not wait
-- for whoever the caller believes, stay; so does a call back that is for one agent of a group alone, unless
-- it goes to another agent.
-- KEYS 1  prefix
-- GIVEN   MoveContacts in dialer/store/moves.py
-- Returns how many of those given were looked at, which is all but where a queue before them took long,
-- and how many of these were moved.

local campaign, source, target = given.campaign, given.source, given.target
local MOST_PASSED = 2000 -- contacts of a queue in one step
local known = redis.call('HMGET', key('c', campaign), 'state', 'archived_at')
local is_closed = not known[1] or known[2] or known[1] == 'cancelling' or known[1] == 'cancelled'

-- Takes the first of the source's plain contacts off their queue. Who stays stands in it by rank from now on,
-- at the same place.
local function pass(head, n)
  local c = read_contact(campaign, head)
  step_forward(campaign, source, c)
  if head ~= n and c.state == WAITING and is_plain(c) then
    c.next = APART
    redis.call('ZADD', key('c', campaign, 'ranked', source), rank_among_plain(head), head)
  end
  write_contact(c)
end

-- Nobody is taken out of the middle of a queue: it is taken apart from its head on. Contacts come in the
-- queue's order and none of them is left out, so the one that opens it comes first.
local passed = 0
local function is_out_of_queue(n)
  local head = tonumber(redis.call('HGET', key('c', campaign, 'heads'), source) or nil)
  while head and head <= n do
    if passed == MOST_PASSED then
      return false
    end
    passed = passed + 1
    pass(head, n)
    head = tonumber(redis.call('HGET', key('c', campaign, 'heads'), source) or nil)
  end
  return true
end

local looked_at, moved = 0, {}
for _, n in ipairs(given.contacts) do
  local c = read_contact(campaign, n)
  local waits = not is_closed and c and c.state == WAITING and c.agent == source
  local is_pinned = waits and c.team and c.agent ~= c.team -- to the source, and of another queue
  local goes = waits and c.customer ~= target and not (is_pinned and is_team(target))
  if waits and not goes and c.flags == NEWCOMER then
    c.flags = 0 -- its queue begins with it, so that those behind it can be taken off
    write_contact(c)
    redis.call('HSET', key('c', campaign, 'heads'), source, n)
    want_agent(campaign, source)
  end
  if goes and not is_pinned and c.flags ~= NEWCOMER and c.next ~= APART then
    if not is_out_of_queue(n) then
      break
    end
    c = read_contact(campaign, n)
  end
  if goes then
    leave_queues(campaign, n, c)
    if is_pinned then
      pin(campaign, n, c, target)
    else
      c.agent, c.next = target, APART
      local where, offset = place_of(campaign, n)
      redis.call('SETRANGE', where, offset + PAIR_AT, struct.pack('<d', tonumber(target)))
      write_contact(c)
    end
    if c.due > now then
      redis.call('ZADD', key('later'), c.due, campaign .. '/' .. n)
    else
      local rank = is_plain(c) and rank_among_plain(n) or rank_of(c.priority, c.due, n)
      redis.call('ZADD', key('c', campaign, 'ranked', target), rank, n)
    end
    moved[#moved + 1] = struct.pack('<I', n)
  end
  looked_at = looked_at + 1
end

if #moved > 0 then
  if is_team(target) then
    redis.call('SADD', key('c', campaign, 'teams'), target)
  end
  want_agent(campaign, target)
  redis.call('APPEND', key('moved', given.move, campaign, source), table.concat(moved))
  redis.call('EXPIRE', key('moved', given.move, campaign, source), given.keep_s)
  redis.call('HINCRBY', key('move', given.move), campaign .. '/' .. source, #moved)
  local was_chunk
  for _, n in ipairs(moved) do
    local chunk = math.floor((struct.unpack('<I', n) - 1) / PER_CHUNK)
    if chunk ~= was_chunk then
      add_to_index(campaign, chunk, given.entry)
      was_chunk = chunk
    end
  end
  event('contacts.moved', campaign, nil, nil, #moved .. ' ' .. given.told)
end
return { looked_at, #moved }
