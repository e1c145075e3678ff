-- Runs the step whose text stands before it, and writes what it counted, also of a step that failed:
-- what it had changed by then stays changed. What cannot be written of one thing keeps nothing else from it.
local done, answer = pcall(step)
local failed = not done and answer
for _, writes in ipairs({ finish_campaigns, write_counts, write_pace, write_events }) do
  local written, why = pcall(writes)
  failed = failed or not written and why
end

-- Redis has Lua collect garbage in one lump at each fiftieth script, which then takes three times as
-- long as its neighbours. A collector that does a quarter as much a step does it in smaller lumps,
-- more often; the garbage of some megabytes at most is no matter. See docs/performance.md.
collectgarbage('setstepmul', 50)

if failed then
  return redis.error_reply(fault(failed))
end
return answer
