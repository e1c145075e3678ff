-- Write that a recording is where it stays, or was given up, and tell of it in the same step.
-- KEYS 1  prefix
-- GIVEN   KeepRecording in dialer/store/recordings.py
-- Returns 1, or 0 when the attempt's was there before, or its campaign has left Redis.

redis.call('ZREM', key('recordings_due'), given.id)
redis.call('HDEL', key('recordings_tried'), given.id)
local attempts = key('c', given.campaign, 'attempts', math.floor((given.n - 1) / PER_CHUNK))
local field = string.format('%.0f-%.0f', given.n, given.no)
local stored = redis.call('HMGET', attempts, field, 'packed')
if not (stored[1] or stored[2])
  or redis.call('HSETNX', key('c', given.campaign, 'recordings'), field, given.kept) == 0 then
  return 0
end
if given.details ~= '' then
  event('attempt.recording_stored', given.campaign, given.n, given.no, given.details)
end
return 1
