-- Tell that nothing in a campaign's report is expected to change any more; once, unless it did, or was
-- opened again.
-- KEYS 1  prefix
-- GIVEN   ReportFinal in dialer/store/events.py
-- Returns 1 when it was told.

local is_news = redis.call('SREM', key('ended'), given.campaign)
if is_news == 1 then
  event('campaign.report_final', given.campaign)
  if redis.call('EXISTS', key('c', given.campaign)) == 1 then
    redis.call('HSET', key('c', given.campaign), 'report_final', '1')
  end
end
return is_news
