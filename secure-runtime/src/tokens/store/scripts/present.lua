-- Presents a refresh token, as `Session::present` has it.
-- KEYS: session, sessions of its subject by when they were renewed, all sessions by their ends.
-- ARGV: id, generation, proof, now, idle, absolute, grace, how long it is kept beyond its end, how
-- long the subject's list is kept.
-- Answers the outcome, the newest generation and when it was issued. Times are in milliseconds.
local id, presented, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local idle, absolute, grace = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local function decimal(number) return string.format('%.0f', number) end
local function remove()
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end

local row = redis.call('HMGET', KEYS[1], 'proof', 'generation', 'renewed', 'opened')
if not (row[1] and row[2] and row[3] and row[4]) then return { 'unknown', '0', '0' } end
local newest, renewed, opened = tonumber(row[2]), tonumber(row[3]), tonumber(row[4])
if row[1] ~= ARGV[3] or presented > newest then return { 'unknown', '0', '0' } end
if now >= math.min(renewed + idle, opened + absolute) then
  remove()
  return { 'expired', row[2], row[3] }
end
if presented == newest then
  local ends = math.min(now + idle, opened + absolute)
  redis.call('HSET', KEYS[1], 'generation', decimal(newest + 1), 'renewed', decimal(now))
  redis.call('PEXPIRE', KEYS[1], decimal(ends - now + tonumber(ARGV[8])))
  redis.call('ZADD', KEYS[2], decimal(now), id)
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
  redis.call('ZADD', KEYS[3], decimal(ends), id)
  return { 'rotated', decimal(newest + 1), decimal(now) }
end
if presented + 1 == newest and now < renewed + grace then
  return { 'retried', row[2], row[3] }
end
remove()
return { 'reused', row[2], row[3] }
