-- Tell that nothing in a campaign's report can change any more, once, unless it was opened again.
-- KEYS 1  prefix
-- GIVEN   ReportFinal in dialer/store/events.py
-- Returns 1 when it was told.

local is_news = redis.call('SREM', key('ended'), given.campaign)
if is_news == 1 then
  event('campaign.report_final', given.campaign)
end
return is_news
