-- Charges quotas by the generic cell rate algorithm: all of them or none.
-- KEYS: one for each quota. Each holds when the quota would be whole, or is not there.
-- ARGV: whether debts may be made; then of each quota what a request costs, what is wanted beside it
-- if there is enough, and what a full burst costs.
-- Answers whether it was charged; then of each quota what was owed before, and whether what was
-- wanted beside was charged too.
-- Every time is two numbers, seconds and nanoseconds: one of 64 bits would not fit into Lua's.
local SECOND = 1000000000
local clock = redis.call('TIME')
local now_s, now_n = tonumber(clock[1]), tonumber(clock[2]) * 1000
local debts = ARGV[1] == '1'

local function sum(s, n, more_s, more_n)
  s, n = s + more_s, n + more_n
  if n >= SECOND then return s + 1, n - SECOND end
  return s, n
end
local function difference(s, n, less_s, less_n)
  if n < less_n then return s - less_s - 1, n - less_n + SECOND end
  return s - less_s, n - less_n
end
local function is_more(s, n, than_s, than_n)
  return s > than_s or (s == than_s and n > than_n)
end
local function keep(key, s, n)
  local whole_s, whole_n = sum(now_s, now_n, s, n)
  -- One more: the server counts from the begin of its millisecond.
  local millis = s * 1000 + math.ceil(n / 1000000) + 1
  redis.call('SET', key, string.format('%.0f.%09.0f', whole_s, whole_n),
    'PX', string.format('%.0f', millis))
end

local charged = 1
local answer, owed = {}, {}
local kept = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local at = 6 * i - 5
  local cost_s, cost_n = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local beside_s, beside_n = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local full_s, full_n = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local most_s, most_n = sum(full_s, full_n, full_s, full_n)
  local s, n = 0, 0
  if kept[i] then
    local whole_s, whole_n = string.match(kept[i], '^(%d+)%.(%d+)$')
    whole_s, whole_n = tonumber(whole_s), tonumber(whole_n)
    if is_more(whole_s, whole_n, now_s, now_n) then
      s, n = difference(whole_s, whole_n, now_s, now_n)
      -- Nobody ever owes more: the clock was set back. It is kept even where nothing is charged, or
      -- the wait would begin anew with each question.
      if is_more(s, n, most_s, most_n) then
        s, n = most_s, most_n
        keep(KEYS[i], s, n)
      end
    end
  end
  local new_s, new_n = sum(s, n, cost_s, cost_n)
  local with_s, with_n = sum(new_s, new_n, beside_s, beside_n)
  local beside = 0
  if debts then
    if is_more(new_s, new_n, most_s, most_n) then new_s, new_n = most_s, most_n end
  elseif is_more(new_s, new_n, full_s, full_n) then
    charged = 0
  elseif not is_more(with_s, with_n, full_s, full_n) then
    new_s, new_n, beside = with_s, with_n, 1
  end
  answer[3 * i - 1], answer[3 * i], answer[3 * i + 1] = s, n, beside
  owed[i] = { new_s, new_n }
end
answer[1] = charged
if charged == 1 then
  for i = 1, #KEYS do
    keep(KEYS[i], owed[i][1], owed[i][2])
  end
end
return answer
