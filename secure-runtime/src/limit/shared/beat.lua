-- Says that a process lives, and how many do.
-- KEYS: processes by when they said so last. ARGV: this one, and after how many seconds of silence
-- one is taken for gone.
local now, silence = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - silence))
-- From before the clock was set back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + silence), '+inf')
redis.call('EXPIRE', KEYS[1], silence * 2)
return redis.call('ZCARD', KEYS[1])
