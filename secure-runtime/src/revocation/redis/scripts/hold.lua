-- Somebody tells what may have been lost, or has told all of it. Until then the store is not
-- settled; once it is, it stays so.
-- KEYS: state, tellers. ARGV: identity of the server's memory; who; for how long to be waited for,
-- 0 to be waited for no longer; how long everybody is waited for; the longest time in all.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'run', 'settled', 'opened')
if state[1] ~= ARGV[1] or not state[2] or not state[3] then
  return 'empty'
end
if tonumber(state[2]) <= now then
  return 'settled'
end
local function decimal(number) return string.format('%.0f', number) end
if ARGV[3] == '0' then
  redis.call('ZREM', KEYS[2], ARGV[2])
else
  redis.call('ZADD', KEYS[2], decimal(now + tonumber(ARGV[3])), ARGV[2])
end
local opened = tonumber(state[3])
local settled = opened + tonumber(ARGV[4])
local tellers = redis.call('ZRANGEBYSCORE', KEYS[2], decimal(now), '+inf', 'WITHSCORES')
for i = 2, #tellers, 2 do
  settled = math.max(settled, math.min(tonumber(tellers[i]), opened + tonumber(ARGV[5])))
end
redis.call('HSET', KEYS[1], 'settled', decimal(settled))
return 'held'
