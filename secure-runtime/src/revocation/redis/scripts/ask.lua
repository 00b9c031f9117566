-- The current entries of some keys, and whether they can be believed.
-- KEYS: state, entries. ARGV: identity of the server's memory, then keys of entries.
-- Removes nothing, and fails where writes do: on a replica, and on a primary that has lost its
-- own (see `min-replicas-to-write`). Their answers are not believed.
redis.call('HDEL', KEYS[1], 'nothing')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'settled', 'run')
if not state[1] or not state[2] or state[4] ~= ARGV[1] then
  return { '', 0, now, 0 }
end
local answer = { state[1], tonumber(state[2]), now, tonumber(state[3]) }
for i = 2, #ARGV do
  answer[3 + i] = redis.call('HGET', KEYS[2], ARGV[i])
end
return answer
