-- Makes sure that the store has an epoch, and a new one if anything may have been lost.
-- KEYS: state, stream, tellers. ARGV: identity of the server's memory, proposed epoch, time to
-- settle.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
  if redis.call('HEXISTS', KEYS[1], 'sequence') == 0 then
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 'sequence', 0)
  end
  redis.call('DEL', KEYS[3])
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'epoch', ARGV[2], 'opened', string.format('%.0f', now),
    'settled', string.format('%.0f', now + tonumber(ARGV[3])))
end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'settled')
return { state[1], tonumber(state[2]), now, tonumber(state[3]) }
