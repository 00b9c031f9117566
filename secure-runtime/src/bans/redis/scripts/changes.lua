-- What has changed since a version, the oldest first.
-- KEYS: state, entries, changes, expiry.
-- ARGV: identity of the server's memory, proposed epoch, known epoch, known version, most changes.
-- Answers: epoch, the server's time, version of the last change in the answer, then network and
-- value of each. Of another epoch than the known one it tells nothing but that.
-- Removes nothing, and fails where writes do: on a replica.
redis.call('HDEL', KEYS[1], 'nothing')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function decimal(number) return string.format('%.0f', number) end

local old = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', decimal(now), 'LIMIT', 0, 500)
for _, key in ipairs(old) do
  redis.call('HDEL', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
  redis.call('ZREM', KEYS[4], key)
end

local state = redis.call('HMGET', KEYS[1], 'run', 'epoch', 'version')
local entries = redis.call('HLEN', KEYS[2])
local whole = entries == redis.call('ZCARD', KEYS[3]) and entries == redis.call('ZCARD', KEYS[4])
if not whole then
  -- A part of it was evicted or removed: who knows more tells it again.
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
end
local epoch = state[2]
if not whole or state[1] ~= ARGV[1] or not state[2] or not state[3] then
  epoch = ARGV[2]
  if not state[3] then
    local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
    redis.call('HSET', KEYS[1], 'version', last[2] or '0')
  end
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'epoch', epoch)
end
if epoch ~= ARGV[3] then
  return { epoch, now, 0 }
end
local found = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[4], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[5])
local answer = { epoch, now, tonumber(ARGV[4]) }
for i = 1, #found, 2 do
  answer[3] = tonumber(found[i + 1])
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], found[i]) or '-:0:0:0:'
end
return answer
