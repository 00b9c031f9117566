-- Adds a session, and ends the one of its subject that was unused for longest where it has as many
-- as it may have.
-- KEYS: session, sessions of its subject by when they were renewed, all sessions by their ends.
-- ARGV: id, now, when it ends, how long it is kept beyond that, how long the subject's list is
-- kept, most sessions of a subject, most sessions, what names of sessions begin with, how many
-- expired ones are swept, when it was renewed; then fields and values.
-- Answers `opened` or `full`, and which one has ended. Times are in milliseconds.
local id, now = ARGV[1], tonumber(ARGV[2])
local function decimal(number) return string.format('%.0f', number) end
-- All names have one hash tag, so that the server that has one has all.
local function remove(other)
  redis.call('DEL', ARGV[8] .. other)
  redis.call('ZREM', KEYS[2], other)
  redis.call('ZREM', KEYS[3], other)
end

local over = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', decimal(now), 'LIMIT', 0, ARGV[9])
for _, other in ipairs(over) do remove(other) end

local living = {}
for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local ends = redis.call('ZSCORE', KEYS[3], other)
  if ends and tonumber(ends) > now then
    living[#living + 1] = other
  else
    remove(other)
  end
end
local ended = ''
if #living >= tonumber(ARGV[6]) then
  ended = living[1]
  remove(ended)
elseif redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[7]) then
  return { 'full', '' }
end

for i = 11, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], decimal(tonumber(ARGV[3]) - now + tonumber(ARGV[4])))
redis.call('ZADD', KEYS[2], ARGV[10], id)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[3], id)
return { 'opened', ended }
