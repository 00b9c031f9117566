-- Writes entries, and a line of the stream for each that changed: all of it or nothing.
-- KEYS: state, entries, expiry, stream, request.
-- ARGV: `publish`, `lift` or `merge`; how long a request is remembered; length of the stream; how
-- long an entry is kept beyond its end; identity of the server's memory; then key, cut-off and end
-- of each entry. Times are in milliseconds; `+N` is that much later than the server's time.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mode, kept = ARGV[1], tonumber(ARGV[4])
local function decimal(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', KEYS[1], 'sequence', 'settled', 'run')
if not state[1] or state[3] ~= ARGV[5] then
  return { 'empty', 0, now, '' }
end
local sequence = tonumber(state[1])
if mode ~= 'merge' then
  local done = redis.call('GET', KEYS[5])
  if done then
    return { 'done', sequence, now, done }
  end
end

local answer = ''
for i = 6, #ARGV, 3 do
  local key, cut, ends = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if string.sub(cut, 1, 1) == '+' then cut = decimal(now + tonumber(string.sub(cut, 2))) end
  if string.sub(ends, 1, 1) == '+' then ends = decimal(now + tonumber(string.sub(ends, 2))) end
  local before = redis.call('HGET', KEYS[2], key)
  local cut_before, ends_before
  if before then cut_before, ends_before = string.match(before, '^([^:]*):(.*)$') end
  local lifted = cut_before == '-'
  local value = before or ''
  answer = value
  if mode == 'lift' then
    if lifted then answer = '' end
    if before and not lifted then value = '-:' .. ends_before end
  elseif mode == 'publish' or (not lifted and tonumber(ends) + kept > now) then
    if before then
      if not lifted and tonumber(cut_before) > tonumber(cut) then cut = cut_before end
      if tonumber(ends_before) > tonumber(ends) then ends = ends_before end
    end
    value = cut .. ':' .. ends
  end
  if value ~= (before or '') then
    answer = value
    ends = string.match(value, ':(.*)$')
    sequence = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
    redis.call('HSET', KEYS[2], key, value)
    redis.call('ZADD', KEYS[3], decimal(tonumber(ends) + kept), key)
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], decimal(sequence) .. '-0', 'k', key, 'v', value)
  end
end
if mode ~= 'merge' then
  redis.call('SET', KEYS[5], answer, 'PX', ARGV[2])
elseif tonumber(state[2]) > now then
  -- Who remembers is still telling.
  redis.call('HSET', KEYS[1], 'settled', decimal(math.max(tonumber(state[2]), now + 1000)))
end
return { 'written', sequence, now, answer }
