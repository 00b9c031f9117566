-- Ends a session of this subject; whether there was one. Whose it is the session says itself: a list
-- that was lost does not keep it alive.
-- KEYS: session, sessions of its subject, all sessions. ARGV: id, subject.
local subject = redis.call('HGET', KEYS[1], 'subject')
if not subject or cjson.decode(subject).sub ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('DEL', KEYS[1])
