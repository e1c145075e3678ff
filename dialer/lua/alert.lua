-- Write that an alert stands or is over, once, and tell of it as an event where that is wanted.
-- KEYS 1  prefix
-- GIVEN   NoteAlert in dialer/store/alerts.py
-- Returns 1, or 0 when it stood, or was gone, already.

local is_news
if given.alert ~= '' then
  is_news = redis.call('HSETNX', key('alerts'), given.field, given.alert)
else
  is_news = redis.call('HDEL', key('alerts'), given.field)
end
if is_news == 1 and given.tells ~= '' then
  event(given.tells, given.campaign ~= '' and given.campaign or nil, nil, nil, given.details)
end
return is_news
