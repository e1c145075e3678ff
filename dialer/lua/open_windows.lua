-- Set when campaigns may dial next, so that release need not know calendars, and let them take turns.
-- One that was found by old rules does no harm: the gate has the last word, and it is looked for again
-- as long as it is not open.
-- KEYS 1  prefix
-- GIVEN   OpenWindows in dialer/store/campaigns.py
-- Returns for each campaign {'ok'} | {'failed', why}

return each(given.campaigns, function(one)
  if one.open_from then
    redis.call('HSET', key('c', one.campaign), 'open_from', one.open_from, 'open_until', one.open_until)
  end
  join_turns(one.campaign)
  return { 'ok' }
end)
