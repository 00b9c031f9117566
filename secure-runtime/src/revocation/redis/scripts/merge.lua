-- Adds what the store may have lost. What it knows better stays, and so does a lift.
-- KEYS: state, entries, expiry, stream.
-- ARGV: identity of the server's memory; length of the stream; how long an entry is kept beyond its
-- end; most lines that are written; then key, cut-off and end of each entry. Times are in
-- milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = tonumber(ARGV[3])
local function decimal(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', KEYS[1], 'sequence', 'run')
if not state[1] or state[2] ~= ARGV[1] then
  return { 'empty', 0, now }
end
local keys = {}
for i = 5, #ARGV, 3 do keys[#keys + 1] = ARGV[i] end
local known = redis.call('HMGET', KEYS[2], unpack(keys))

local entries, scores, changed = {}, {}, 0
for n, key in ipairs(keys) do
  local cut, ends, before = ARGV[3 * n + 3], ARGV[3 * n + 4], known[n]
  local lifted = false
  if before then
    local cut_before, ends_before = string.match(before, '^([^:]*):(.*)$')
    lifted = cut_before == '-'
    if not lifted and tonumber(cut_before) > tonumber(cut) then cut = cut_before end
    if tonumber(ends_before) > tonumber(ends) then ends = ends_before end
  end
  local value = cut .. ':' .. ends
  if not lifted and value ~= before and tonumber(ends) + kept > now then
    changed = changed + 1
    entries[2 * changed - 1], entries[2 * changed] = key, value
    scores[2 * changed - 1], scores[2 * changed] = decimal(tonumber(ends) + kept), key
  end
end
local sequence = tonumber(state[1])
if changed > 0 then
  redis.call('HSET', KEYS[2], unpack(entries))
  redis.call('ZADD', KEYS[3], unpack(scores))
  -- Of many there are no lines: who follows sees the gap, and reads all when the store has settled.
  if changed <= tonumber(ARGV[4]) then
    for n = 1, changed do
      redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], decimal(sequence + n) .. '-0',
        'k', entries[2 * n - 1], 'v', entries[2 * n])
    end
  end
  sequence = redis.call('HINCRBY', KEYS[1], 'sequence', changed)
end
return { 'written', sequence, now }
