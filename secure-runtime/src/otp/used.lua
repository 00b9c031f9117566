-- Uses a code up, unless it or a later one was used before.
-- KEYS: the secret's name. ARGV: step of the code, how long it must be remembered in milliseconds.
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
