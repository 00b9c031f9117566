-- Ends every session of a subject but one; which they were.
-- KEYS: sessions of the subject, all sessions. ARGV: the one that is kept, or nothing; what names of
-- sessions begin with.
local ended = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[1] then
    -- All names have one hash tag, so that the server that has one has all.
    if redis.call('DEL', ARGV[2] .. id) == 1 then ended[#ended + 1] = id end
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
return ended
