-- Writes bans and lifts, each under a new version: all of it or nothing, and once.
-- KEYS: state, entries, changes, expiry, request.
-- ARGV: identity of the server's memory, how long a request is remembered, most entries; then of
-- each change `ban`, `replace`, `lift` or `merge`, the network, how long it still lasts and is remembered, in
-- milliseconds from now on, its level, when it was made, in milliseconds since 1970, and its reason.
-- Answers: `written` or `lost`, and how many had no room. `merge` is what somebody knew before the
-- store may have lost it: it does not win over a lift. `replace` is a lift and then a ban. A lift that
-- is told late does not win over a ban that was made after it; a second counts for nothing, by which
-- times may be wrong.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function decimal(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', KEYS[1], 'run', 'version')
if state[1] ~= ARGV[1] or not state[2] then
  return { 'lost', 0 }
end
if redis.call('EXISTS', KEYS[5]) == 1 then
  return { 'written', 0 }
end

local without_room = 0
for i = 4, #ARGV, 7 do
  local what, key, reason = ARGV[i], ARGV[i + 1], ARGV[i + 6]
  local ends, forget = now + tonumber(ARGV[i + 2]), now + tonumber(ARGV[i + 3])
  local level, made = tonumber(ARGV[i + 4]), math.min(tonumber(ARGV[i + 5]), now)
  local before = redis.call('HGET', KEYS[2], key)
  local ends_before, forget_before, level_before, made_before, reason_before
  if before then
    ends_before, forget_before, level_before, made_before, reason_before =
      string.match(before, '^([^:]*):([^:]*):([^:]*):([^:]*):(.*)$')
    if forget_before then forget = math.max(forget, tonumber(forget_before) or 0) else before = false end
  end
  local lifted = ends_before == '-'
  local value
  -- Where the clock was put back, what was made before is not of the future.
  made_before = math.min(tonumber(made_before) or 0, now)
  local is_later = before and not lifted and made_before > made + 1000
  if what == 'replace' then made = now end
  if what == 'lift' and is_later then
    -- As it is, for who has lifted it to read it again.
    value = before
  elseif what == 'lift' then
    value = '-:' .. decimal(forget) .. ':0:' .. decimal(made) .. ':'
  elseif what ~= 'merge' or not lifted then
    if before and not lifted and (what ~= 'replace' or is_later) then
      level = math.max(level, tonumber(level_before) or 0)
      made = math.max(made, made_before)
      -- Of two processes that were told the same, the clocks differ by a moment.
      if (tonumber(ends_before) or 0) >= ends - 1000 then
        ends, reason = tonumber(ends_before), reason_before
      end
    end
    value = decimal(ends) .. ':' .. decimal(forget) .. ':' .. decimal(level) .. ':' .. decimal(made) .. ':' .. reason
    if what == 'merge' and before and ends == tonumber(ends_before) then value = nil end
  end
  if value and not before and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then
    without_room = without_room + 1
    value = nil
  end
  if value then
    local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
    redis.call('HSET', KEYS[2], key, value)
    redis.call('ZADD', KEYS[3], version, key)
    redis.call('ZADD', KEYS[4], decimal(forget), key)
  end
end
redis.call('SET', KEYS[5], '1', 'PX', ARGV[2])
return { 'written', without_room }
