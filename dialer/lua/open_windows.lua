-- Set when campaigns may dial next, so that release need not know calendars, and let them take turns.
-- One that was found by old rules does no harm: the gate has the last word, and it is looked for again
-- as long as it is not open.
-- KEYS 1  prefix
-- ARGV for each campaign three: campaign  open from  until, epoch s; 0 0 = never; '' '' = as known
-- Returns for each campaign {'ok'} | {'failed', why}

return each(argument_lists(1, 3), function(campaign, from, until_)
  if from ~= '' then
    redis.call('HSET', key('c', campaign), 'open_from', from, 'open_until', until_)
  end
  join_turns(campaign)
  return { 'ok' }
end)
