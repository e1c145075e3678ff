-- Set when campaigns may dial next, so that release need not know calendars, and let them take turns.
-- One that was found by old rules does no harm: the gate has the last word, and it is looked for again
-- as long as it is not open.
-- KEYS 1  prefix
-- GIVEN   OpenWindows in dialer/store/starting.py
-- Returns for each campaign {'ok'} | {'failed', why}

return each(given.campaigns, function(one)
  if one.open_from then
    redis.call('HSET', key('c', one.campaign), 'open_from', one.open_from, 'open_until', one.open_until)
  end
  -- release takes out who has nobody ready; to put it back would have the next release do so again. And
  -- who asks is the feeder: calling itself, it would look at schedules without a pause
  if redis.call('EXISTS', key('c', one.campaign, 'ready'), key('c', one.campaign, 'newcomers')) > 0 then
    let_join_turns(one.campaign)
  end
  return { 'ok' }
end)
