-- Forgives an account. ARGV: the time, or nothing; `1` to forgive everything.
-- KEYS: marks.
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + math.floor(time[2] / 1000)
local enabled = string.match(redis.call('GET', KEYS[1]) or '', ' (%d+)$') or '0'
if ARGV[2] == '1' then enabled = string.format('%.0f', now) end
local value = string.format('%.0f', now) .. ' ' .. enabled
redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', 367 * 86400000))
return { 'forgiven' }
