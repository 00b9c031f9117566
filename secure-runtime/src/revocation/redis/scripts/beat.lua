-- What the store is at. Also removes entries that no token needs any more.
-- KEYS: state, entries, expiry.
-- Removes nothing, and fails where writes do: on a replica, and on a primary that has lost its
-- own (see `min-replicas-to-write`). Their answers are not believed.
redis.call('HDEL', KEYS[1], 'nothing')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'settled')
if not state[1] or not state[2] then
  return { '', 0, now, 0 }
end
local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now), 'LIMIT', 0, 500)
for _, key in ipairs(old) do
  redis.call('HDEL', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
end
return { state[1], tonumber(state[2]), now, tonumber(state[3]) }
