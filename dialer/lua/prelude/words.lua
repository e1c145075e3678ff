-- Shared by every step: the parts of this folder, in the order that dialer/store/scripts.py names; keys
-- and the clock come first. Before each script stands what it uses of them: whatever begins with `local` at
-- the beginning of a line. Functions, and what is written in capitals, are made once and must not depend on a run;
-- all else is done each time in the text's order. Of a script's own that is `step()`; epilogue.lua runs it.
-- See dialer/store/keys.py for what every key holds. A call of Redis costs more than anything Lua
-- does itself, so what a script needs often is read once, and what it counts is written once.
-- KEYS 1  prefix of the account's keys, hash tag included
-- Before it stand SHARED, the prefix of what accounts on this Redis know of phones together, or nil;
-- TELLS, whether events are kept; ENDS and EVENTS, the codes of ends and of kinds of events, and ATTEMPT,
-- the places of values in one that is stored, all by name; behind it
-- `given`, what the script is given, by name too: see dialer/store/scripts.py.

local prefix = KEYS[1]

local function key(a, b, c, d) -- spelt out: it is made dozens of times a script
  if d then
    return prefix .. a .. ':' .. b .. ':' .. c .. ':' .. d
  elseif c then
    return prefix .. a .. ':' .. b .. ':' .. c
  end
  return b and prefix .. a .. ':' .. b or prefix .. a
end

-- Redis' own clock: all hosts share it, and a worker whose clock is wrong harms nobody.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function text(seconds)
  return string.format('%.6f', seconds) -- tostring() keeps 14 digits, too few for microseconds
end

local kept = {} -- keys whose end this script has put off

-- Puts off the end of a key that was just written, once a script.
local function keep_for(where, seconds)
  if not kept[where] then
    redis.call('EXPIRE', where, seconds)
    kept[where] = true
  end
end

-- An instant as a number, which costs half of a text: as exact as the clock, or something would be due less
-- than a microsecond from now, which no answer can tell.
local function exact(at)
  return math.floor(at * 1000000 + 0.5) / 1000000
end

-- The code of an end, or of a kind of event. They stand in a text: a table would be built anew each time.
local function code_of(name, codes)
  local _, at = string.find(codes, ' ' .. name .. '=', 1, true)
  return at and tonumber(string.match(codes, '^%d+', at + 1))
end
