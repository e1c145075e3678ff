-- Many things in one step, one of which may fail.

-- What went wrong, as text that tells a fault of the data from one of the server.
local function fault(error)
  -- in a script, unlike a function, pcall gives a command's text alone
  local why = type(error) == 'table' and error.err or tostring(error)
  if string.find(why, '^%u+ ') and not string.find(why, '^ERR ') then
    return why -- Redis refuses, or says what the data are
  end
  return string.find(why, '^user_script') and why or 'user_script: ' .. why
end

-- Whether the server refuses, of which no one thing in it is the cause; `why` as `fault` gives it.
local function is_refusal(why)
  return string.find(why, '^%u+ ') and not string.find(why, '^WRONGTYPE ') or string.find(why, 'ACL failure')
end

-- Does something for each entry of a table; one that fails leaves the others alone. Raises what failed first.
local function apart(entries, does)
  local failed
  for name, its in pairs(entries) do
    local done, why = pcall(does, name, its)
    failed = failed or not done and why
  end
  if failed then
    error(failed, 0)
  end
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
