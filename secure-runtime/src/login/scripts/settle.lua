-- Says what became of an attempt that was admitted.
-- ARGV goes on with: when it was admitted; whether by its device; `success` or `neither`.
local at, known_device, success = tonumber(ARGV[20]), ARGV[21] == '1', ARGV[22] == 'success'
local forgiven = { cleared = 0, enabled = 0 }

local network, password = read_network(KEYS[4]), read_password(KEYS[7])
if not known_device then
  remove(network.log, at)
  take_back_account(network.accounts)
end
take_back_account(password)
if success then network.success = now end
write_network(KEYS[4], network)
write_password(KEYS[7], password)
redis.call('LREM', KEYS[5], -1, decimal(at))

local own = known_device and KEYS[6] or KEYS[3]
if success then
  redis.call('DEL', KEYS[2], own)
else
  for _, key in ipairs({ KEYS[2], own }) do
    local streak = read_streak(key, forgiven)
    take_back(streak, at)
    write_streak(key, streak)
  end
end
return { 'settled' }
