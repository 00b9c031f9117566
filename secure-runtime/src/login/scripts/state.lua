-- What is known of an account.
local marks = read_marks(KEYS[1])
local account = read_streak(KEYS[2], marks)
set_back_marks(marks)
local wait = math.max(locked_until(account), delayed_until(account, marks)) - now
local disabled = account.count >= disable_after and '1' or '0'
return { decimal(account.count), decimal(math.max(wait, 0)), disabled }
