-- Runs the step whose text stands before it, and writes what it counted, also of a step that failed:
-- what it had changed by then stays changed.
local done, answer = pcall(step)
write_counts()
write_pace()
if not done then
  return redis.error_reply(fault(answer))
end
return answer
