-- Uses a code up, unless it or a later one was used before, or may have been before the store lost
-- something.
-- KEYS: the secret's name, what the store is at. ARGV: step of the code; how long it must be
-- remembered, in milliseconds; identity of the server's memory; time of the process in seconds since
-- 1970; seconds of a step; of how many steps after the current one a code may have been taken.
local step = tonumber(ARGV[1])
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= step then
  return { 'used', 0 }
end
local state = redis.call('HMGET', KEYS[2], 'run', 'opened')
if state[1] ~= ARGV[3] or not state[2] then
  return { 'empty', 0 }
end
local time = redis.call('TIME')
local age = time[1] + time[2] / 1000000 - tonumber(state[2]) / 1000
-- Steps go by the clocks of processes, which may all differ from that of the server.
local lost = tonumber(ARGV[4]) - age
local first = math.floor(lost / tonumber(ARGV[5])) + tonumber(ARGV[6]) + 1
if step < first then
  return { 'lost', first }
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { 'taken', 0 }
