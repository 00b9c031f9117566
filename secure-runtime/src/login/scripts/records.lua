-- The records of logins, as `rules.rs` has them; the names are those of there.
-- KEYS: marks, account, pair, network, everybody, device, password.
-- ARGV: the time, or nothing for that of the server; attempts, window, lock, free failures, delay,
-- greatest delay, disabled after, failures and accounts of a network, accounts of a password,
-- failures of all, first and longest ban of a network, how long a device is known; half of the
-- account's key; when the device was let in, or 0; whether there is a password; whether the network
-- is banned for longer each time. Times are in milliseconds.
local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local KEPT, KEPT_LONG, DISABLED_KEPT = DAY, 30 * DAY, 366 * DAY
-- Keys outlive what they hold by this much: expiry is judged below, and this only tidies up.
local SLACK = 10 * MINUTE

local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + math.floor(time[2] / 1000)
local attempts, window, lock = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local free_failures, delay, max_delay = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local disable_after = tonumber(ARGV[8])
local network_failures, network_accounts = tonumber(ARGV[9]), tonumber(ARGV[10])
local password_accounts, global_failures = tonumber(ARGV[11]), tonumber(ARGV[12])
local network_ban, max_network_ban = tonumber(ARGV[13]), tonumber(ARGV[14])
local device_max_age = tonumber(ARGV[15])
local account_half, device_issued, has_password = ARGV[16], tonumber(ARGV[17]), ARGV[18] == '1'
local is_bannable = ARGV[19] == '1'

local function decimal(number) return string.format('%.0f', number) end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do found[#found + 1] = word end
  return found
end

local function decimals(times)
  local found = {}
  for i, at in ipairs(times) do found[i] = decimal(at) end
  return table.concat(found, ' ')
end

local function keep(times, is_kept)
  local found = {}
  for _, at in ipairs(times) do
    if is_kept(at) then found[#found + 1] = at end
  end
  return found
end

local function write(key, text, time_to_live)
  if text == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, text, 'PX', decimal(time_to_live + SLACK))
  end
end

local function push_bounded(times, at, most)
  times[#times + 1] = at
  while #times > most do table.remove(times, 1) end
end

local function remove(times, at)
  for i = #times, 1, -1 do
    if times[i] == at then
      table.remove(times, i)
      return true
    end
  end
  return false
end

local function delay_after(count)
  local over = count - free_failures
  if over <= 0 then return 0 end
  return math.min(delay * 2 ^ (over - 1), max_delay)
end

-- What is to come is from before the clock was set back.

local function set_back(times)
  for i, at in ipairs(times) do times[i] = math.min(at, now) end
end

local function kept(count)
  if count >= disable_after then return DISABLED_KEPT end
  if count > free_failures then return KEPT_LONG end
  return KEPT
end

-- Marks.

local function read_marks(key)
  local found = words(redis.call('GET', key) or '')
  return { cleared = tonumber(found[1]) or 0, enabled = tonumber(found[2]) or 0 }
end

local function set_back_marks(marks)
  for name, mark in pairs(marks) do
    if mark > now then marks[name] = now - 1 end
  end
end

local function write_marks(key, marks)
  local value = decimal(marks.cleared) .. ' ' .. decimal(marks.enabled)
  redis.call('SET', key, value, 'PX', decimal(DISABLED_KEPT + DAY))
end

-- Streaks: count, since, last, and the log.

local function read_streak(key, marks)
  local text = redis.call('GET', key) or ''
  local found = words(text)
  local streak = {
    count = tonumber(found[1]) or 0,
    since = tonumber(found[2]) or 0,
    last = tonumber(found[3]) or 0,
    log = {},
  }
  for i = 4, #found do streak.log[#streak.log + 1] = tonumber(found[i]) end
  if streak.last <= marks.enabled or streak.last + kept(streak.count) <= now then
    streak = { count = 0, since = 0, last = 0, log = {} }
  end
  streak.log = keep(streak.log, function(at) return at > marks.cleared end)
  streak.since, streak.last = math.min(streak.since, now), math.min(streak.last, now)
  set_back(streak.log)
  return streak, text
end

local function streak_text(streak)
  if streak.count == 0 then return '' end
  local head = decimals({ streak.count, streak.since, streak.last })
  return head .. ' ' .. decimals(streak.log)
end

local function write_streak(key, streak)
  write(key, streak_text(streak), kept(streak.count))
end

local function locked_until(streak)
  local first = streak.log[#streak.log - attempts + 1]
  if #streak.log < attempts or not first then return 0 end
  local last = streak.log[#streak.log]
  if last < first + window then return math.max(first + window, last + lock) end
  return first + window
end

local function delayed_until(streak, marks)
  if streak.last > marks.cleared then return streak.last + delay_after(streak.count) end
  return 0
end

local function count(streak)
  if streak.count == 0 then streak.since, streak.last = now, now end
  streak.count = streak.count + 1
end

local function push(streak)
  count(streak)
  streak.last = now
  push_bounded(streak.log, now, attempts)
end

local function take_back(streak, at)
  if streak.since > at or streak.count == 0 then return end
  streak.count = streak.count - 1
  if streak.count == 0 then
    streak.since, streak.last, streak.log = 0, 0, {}
  elseif remove(streak.log, at) then
    streak.last = streak.log[#streak.log] or streak.since
  end
end

-- Accounts: half of a key, count and last time of each, in the order in which they came.

local function accounts_of(found)
  local accounts = {}
  for i = 1, #found, 3 do
    local failing = { account = found[i], count = tonumber(found[i + 1]), last = tonumber(found[i + 2]) }
    failing.last = math.min(failing.last, now)
    if failing.last + HOUR > now then accounts[#accounts + 1] = failing end
  end
  return accounts
end

local function accounts_text(accounts)
  local found = {}
  for i, failing in ipairs(accounts) do
    found[i] = failing.account .. ' ' .. decimal(failing.count) .. ' ' .. decimal(failing.last)
  end
  return table.concat(found, ' ')
end

local function find(accounts)
  for i, failing in ipairs(accounts) do
    if failing.account == account_half then return failing, i end
  end
end

local function push_account(accounts, most)
  local failing = find(accounts)
  if failing then
    failing.count, failing.last = failing.count + 1, now
  elseif #accounts < most then
    accounts[#accounts + 1] = { account = account_half, count = 1, last = now }
  end
end

local function take_back_account(accounts)
  local failing, place = find(accounts)
  if not failing then return end
  failing.count = failing.count - 1
  if failing.count <= 0 then table.remove(accounts, place) end
end

-- Networks: the last success; the log; the accounts; bans that have ended, and when the last did.

local function read_network(key)
  local text = redis.call('GET', key) or ''
  local success, log, accounts, bans, unbanned =
    string.match(text, '^([^;]*);([^;]*);([^;]*);([^;]*);([^;]*)$')
  local network = {
    success = math.min(tonumber(success) or 0, now),
    log = {},
    accounts = accounts_of(words(accounts)),
    bans = tonumber(bans) or 0,
    unbanned = math.min(tonumber(unbanned) or 0, now),
  }
  for i, at in ipairs(words(log)) do network.log[i] = tonumber(at) end
  set_back(network.log)
  return network, text
end

local function banned_until(network)
  local last = network.log[#network.log]
  if #network.log < network_failures or not last then return nil end
  return last + math.min(network_ban * 2 ^ network.bans, max_network_ban)
end

local function forget_network(network)
  if network.success + KEPT_LONG <= now then network.success = 0 end
  local ends = banned_until(network)
  if not ends then
    network.log = keep(network.log, function(at) return at + MINUTE > now end)
  elseif ends <= now then
    network.log = {}
    if is_bannable then network.bans, network.unbanned = network.bans + 1, ends end
  end
  if network.unbanned + DAY <= now then network.bans, network.unbanned = 0, 0 end
end

local function network_text(network)
  local is_counted = #network.log > 0 or #network.accounts > 0 or network.bans > 0
  if network.success == 0 and not is_counted then return '' end
  local value = decimal(network.success) .. ';' .. decimals(network.log)
  value = value .. ';' .. accounts_text(network.accounts)
  return value .. ';' .. decimal(network.bans) .. ';' .. decimal(network.unbanned)
end

local function write_network(key, network)
  local unbanned = banned_until(network) or network.unbanned
  local time_to_live = math.max(HOUR, unbanned + DAY - now)
  if network.success > 0 then time_to_live = KEPT_LONG end
  write(key, network_text(network), time_to_live)
end

-- Passwords: the accounts.

local function read_password(key)
  if not has_password then return {}, '' end
  local text = redis.call('GET', key) or ''
  return accounts_of(words(text)), text
end

local function write_password(key, accounts)
  if has_password then write(key, accounts_text(accounts), HOUR) end
end

-- Everybody: a list of the newest failures.

local function is_alarming()
  if redis.call('LLEN', KEYS[5]) < global_failures then return false end
  local first = tonumber(redis.call('LINDEX', KEYS[5], -global_failures))
  return first <= now and first + MINUTE > now
end

local function push_everybody()
  redis.call('RPUSH', KEYS[5], decimal(now))
  redis.call('LTRIM', KEYS[5], -2 * global_failures, -1)
  redis.call('PEXPIRE', KEYS[5], decimal(MINUTE + SLACK))
end
