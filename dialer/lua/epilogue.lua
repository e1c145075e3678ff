-- Runs the step whose text stands before it, and writes what it counted, also of a step that failed:
-- what it had changed by then stays changed.
local done, answer = pcall(step)
write_counts()
write_pace()

-- Redis collects Lua's garbage in one lump at each fiftieth script, which then takes three times as
-- long as its neighbours. A little at the end of each leaves a small lump; see docs/performance.md.
collectgarbage('step', 2)

if not done then
  return redis.error_reply(fault(answer))
end
return answer
