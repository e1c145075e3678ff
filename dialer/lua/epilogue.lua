-- Runs the step whose text stands before it, and writes what it counted, also of a step that failed:
-- what it had changed by then stays changed.
local done, answer = pcall(step)
local finished, why = pcall(finish_campaigns)
write_counts()
write_pace()
write_events()

-- Redis has Lua collect garbage in one lump at each fiftieth script, which then takes three times as
-- long as its neighbours. A collector that does a quarter as much a step does it in smaller lumps,
-- more often; the garbage of some megabytes at most is no matter. See docs/performance.md.
collectgarbage('setstepmul', 50)

if not done or not finished then
  return redis.error_reply(fault(done and why or answer))
end
return answer
