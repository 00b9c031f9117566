-- Judges an attempt and, if it is admitted, counts it as a failure.
local marks = read_marks(KEYS[1])
local device_age = now - device_issued
local known_device = device_issued > marks.enabled and device_age >= 0 and device_age < device_max_age

-- What was forgotten or set back is kept so, whatever becomes of the attempt: a ban that has ended
-- counts, and a lock would begin anew with each attempt.
local function streak_of(key)
  local streak, text = read_streak(key, marks)
  if streak_text(streak) ~= text then write_streak(key, streak) end
  return streak
end
local account, pair = streak_of(KEYS[2]), streak_of(KEYS[3])
local device = known_device and streak_of(KEYS[6])
if math.max(marks.cleared, marks.enabled) > now then
  set_back_marks(marks)
  write_marks(KEYS[1], marks)
end
local network, network_before = read_network(KEYS[4])
forget_network(network)
if network_text(network) ~= network_before then write_network(KEYS[4], network) end
local password, password_before = read_password(KEYS[7])
if accounts_text(password) ~= password_before then write_password(KEYS[7], password) end
local alarm = is_alarming()

local function refused(reason, wait) return { 'refused', reason, decimal(wait or 0) } end

local function refusal_of(streak)
  if now < locked_until(streak) then return refused('locked') end
  if now < delayed_until(streak, marks) then return refused('delayed') end
end

local function network_refusal()
  local ends, last = banned_until(network), network.log[#network.log]
  if ends then return refused('network', ends - now) end
  if alarm and network.success == 0 and last then return refused('network', last + MINUTE - now) end
  if #network.accounts >= network_accounts and not find(network.accounts) then
    local oldest = network.accounts[1].last
    for _, failing in ipairs(network.accounts) do oldest = math.min(oldest, failing.last) end
    return refused('network', oldest + HOUR - now)
  end
end

local function refusal()
  local wait = not known_device and network_refusal()
  if wait then return wait end
  if account.count >= disable_after then return refused('disabled') end
  if known_device then return refusal_of(device) end
  local reason = refusal_of(account) or refusal_of(pair)
  if reason then return reason end
  if has_password and #password >= password_accounts then return refused('password') end
end

local reason = refusal()
if reason then return reason end

-- Anybody's guesses make these records. The last tenth of the memory is not for them: quotas and
-- revocations need it. A server that makes room by itself has none to spare, and needs none.
local function has_room()
  local facts = redis.call('INFO', 'memory')
  local function bytes(name) return tonumber(string.match(facts, '\n' .. name .. ':(%d+)')) or 0 end
  local most = bytes('maxmemory')
  if most == 0 or not string.find(facts, '\nmaxmemory_policy:noeviction', 1, true) then return true end
  return bytes('used_memory') - bytes('mem_not_counted_for_evict') < most * 0.9
end

if not has_room() then return redis.error_reply('OOM the last tenth is not for logins') end

local failures = account.count
local locks
if known_device then
  count(account)
  push(device)
  write_streak(KEYS[6], device)
  locks = now < locked_until(device)
else
  push(account)
  push(pair)
  write_streak(KEYS[3], pair)
  locks = now < locked_until(account) or now < locked_until(pair)
  push_bounded(network.log, now, network_failures)
  push_account(network.accounts, network_accounts)
end
write_streak(KEYS[2], account)
write_network(KEYS[4], network)
push_account(password, password_accounts)
write_password(KEYS[7], password)
push_everybody()

local function flag(is) return is and '1' or '0' end
return {
  'admitted', decimal(now), decimal(failures), flag(locks),
  flag(failures + 1 >= disable_after), flag(known_device), flag(alarm),
}
