-- Contacts: how they are packed, counted and moved from state to state.

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
    local c = unpack_contact(campaign, n, bytes)
    c.where, c.offset = where, offset
    return c
  end
end

-- Who comes into a hundred, or gets another number there, is found by the search index from then on; see
-- dialer/store/search_index.py. A hundred that is not in it, or leaves it because the entry is '', is
-- looked through.
local function add_to_index(campaign, chunk, entry)
  local where, beside = key('c', campaign, 'index', chunk), key('c', campaign, 'index', 'beside')
  if entry == '' then
    redis.call('DEL', where)
  elseif redis.call('EXISTS', where) == 1 then
    redis.call('SET', beside, entry)
    redis.call('BITOP', 'OR', where, where, beside)
    redis.call('DEL', beside)
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
local function write_contact(c)
  redis.call('SETRANGE', c.where, c.offset, struct.pack(
    CHANGES, c.state, c.outcome, c.charged, c.flags, c.priority, c.made, c.due, c.next))
end

-- Fails where a campaign's counts are damaged: nothing is done by half then. Looked at once a script.
local can_be_counted = {}
local function require_counts(campaign)
  if can_be_counted[campaign] then
    return
  end
  local all = table.concat(redis.call('HVALS', key('c', campaign, 'counts')), ' ') -- one by one takes twice as long
  assert(string.find(all, '^[%d -]*$'), 'the counts of the campaign are damaged')
  can_be_counted[campaign] = true
end

local counted = {}

local function count(campaign, what, by)
  require_counts(campaign)
  counted[campaign] = counted[campaign] or {}
  counted[campaign][what] = (counted[campaign][what] or 0) + by
end

-- Before counts are read. What is written once is forgotten first: it must not be added again when it fails.
local function write_counts_of(campaign)
  local added = counted[campaign] or {}
  counted[campaign] = nil
  for what, by in pairs(added) do
    if by ~= 0 then
      redis.call('HINCRBY', key('c', campaign, 'counts'), what, by)
    end
  end
end

-- At the script's end.
local function write_counts()
  apart(counted, write_counts_of)
end

local function move(campaign, n, c, state)
  count(campaign, STATE[c.state], -1)
  count(campaign, STATE[state], 1)
  c.state = state
  write_contact(c)
end
