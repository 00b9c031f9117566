-- Ends a session of this subject; whether there was one.
-- KEYS: session, sessions of its subject, all sessions. ARGV: id.
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('DEL', KEYS[1])
