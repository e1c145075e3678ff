-- What Redis may have lost, and what holds or stops the account.

-- Why the account may not dial, and the epoch: read once a script.
local account_read
local function account()
  if not account_read then
    local a = redis.call('HMGET', key('account'), 'run_id', 'epoch', 'hold', 'stopped', 'probe_at',
      'probing', 'capped_by', 'capped_until', 'hand', 'terms', 'hold_id', 'held_at', 'moves')
    account_read = {
      run_id = a[1], epoch = tonumber(a[2] or 0), hold = a[3],
      stopped = a[4], probe_at = tonumber(a[5] or nil), probing = a[6],
      capped_by = a[7], capped_until = tonumber(a[8] or 0),
      hand = a[9], terms = a[10] or '', hold_id = a[11], held_at = tonumber(a[12] or 0),
      moves = tonumber(a[13] or 0),
    }
  end
  return account_read
end

-- Holds dialling because this Redis may have lost writes. Each such hold has an id of its own: who
-- worked one off must not end the next. A hold by hand stands beside it, under `hand`.
-- Until when this Redis knew of its hosts is read before any of them writes again; while a hold is
-- not over, that of its beginning stands, or who is waited for since then would be forgotten.
local function hold_account(why, missing)
  local before = redis.call('HMGET', key('account'), 'hold', 'known_until')
  local known_until = before[1] and tonumber(before[2] or nil)
  if not known_until then
    known_until = 0
    for _, seen in ipairs(redis.call('HVALS', key('hosts'))) do
      known_until = math.max(known_until, tonumber(seen))
    end
  end
  local id = text(now) .. '/' .. redis.call('HINCRBY', key('account'), 'holds', 1)
  redis.call('HSET', key('account'), 'hold', why, 'hold_id', id, 'held_at', text(now),
    'known_until', text(known_until))
  if missing then
    redis.call('HSET', key('account'), 'lost', missing)
  end
  redis.call('HDEL', key('account'), 'sealed', 'unplaced') -- slots and calls may be lost anew
  redis.call('DEL', key('reported'))
  event('account.held', nil, nil, nil, why)
  account().hold, account().hold_id, account().held_at = why, id, now
end

-- Whether Redis' clock was set, and what ends by it was not moved yet, as far as the caller's own tells; see
-- dialer/store/server_clock.py. A question that took too long on its way looks the same.
local function is_clock_in_doubt(from, until_at)
  return now < from or now > until_at
end

-- Forgets that the provider refused the account, for this reason; tells whether it did.
local function resume_account(why)
  local was_stopped =
    redis.call('HDEL', key('account'), 'stopped', 'stopped_at', 'probe_at', 'probing') > 1
  if was_stopped then
    event('account.resumed', nil, nil, nil, why)
  end
  return was_stopped
end

-- Whether a caller's settings are those of the account's other processes; see agree.lua.
local function has_terms(fingerprint)
  return account().terms == '' or account().terms == fingerprint
end

-- Every intent raises the epoch, and whoever wrote one remembers it. A Redis that is behind what a
-- caller remembers has lost state; one whose run id is new was restarted or failed over to, and may
-- have. Either way nothing is dialled until the hold is released; see dialer/dialing/recovery.py.
-- Where INFO is not allowed no run id is told: then the epoch alone tells of what was lost, and
-- doctor says so.
-- What a function remembers begins and ends with its server, so that is asked once by each function, and at each
-- run by a script that Redis does not keep.
local SERVER = {}

-- Returns the epoch, or nil when dialling is held.
local function epoch_or_hold(remembered)
  local a = account()
  if not SERVER.run_id then
    local info = redis.pcall('INFO', 'server')
    SERVER.run_id = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or nil
  end
  local run_id = SERVER.run_id or a.run_id or ''
  local is_new = not a.run_id and remembered == 0
  local lost = remembered > a.epoch
  if (a.run_id or '') ~= run_id or lost then
    local missing = remembered - a.epoch
    a.run_id, a.epoch = run_id, math.max(a.epoch, remembered)
    redis.call('HSET', key('account'), 'run_id', a.run_id, 'epoch', a.epoch)
    if is_new then
      return a.epoch
    end
    hold_account(lost and 'Redis lost state' or 'Redis was restarted', lost and missing)
    return nil
  end
  if a.hold or a.hand then
    return nil
  end
  return a.epoch
end
