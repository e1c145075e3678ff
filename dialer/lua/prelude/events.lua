-- What happens, told by the step that makes it happen.

-- What happens is told by the step that makes it happen; see dialer/store/events.py. It is written at
-- the script's end, in the order in which it was told.

local happened, told = {}, {}

-- What is told of a campaign is counted with it, so that its report can tell whether all was.
local function count_told(campaign, what, by)
  local where = key('c', campaign, 'told')
  told[where] = told[where] or {}
  told[where][what] = (told[where][what] or 0) + by
end

-- All but the kind may be left out. `no` is an attempt's number, where `n` does not name both already; `version`
-- is the attempt's from now on, `more` is text.
local function event(kind, campaign, n, no, more, version)
  local who = n and (no and n .. '-' .. no or n) or '-'
  happened[#happened + 1] = code_of(kind, EVENTS) .. ' ' .. (campaign or '-') .. ' ' .. who .. ' '
    .. (version or '-') .. (more and ' ' .. more or '')
  if campaign then
    count_told(campaign, kind, 1)
  end
end

-- Where no events are kept, a campaign to which something happened is no longer told of from its start.
local function write_told(where, kinds)
  if not TELLS then
    redis.call('DEL', where)
    return
  end
  for kind, times in pairs(kinds) do
    if times ~= 0 and type(redis.pcall('HINCRBY', where, kind, times)) ~= 'number' then
      redis.call('DEL', where) -- damaged: what was told until now is not known
      return
    end
  end
end

local function write_events()
  for _, one in ipairs(TELLS and happened or {}) do
    redis.call('XADD', key('events'), '*', 'e', one)
  end
  for where, kinds in pairs(told) do
    write_told(where, kinds)
  end
end
