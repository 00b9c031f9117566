-- The sessions of a subject: of each its id, then its fields.
-- KEYS: sessions of the subject. ARGV: what names of sessions begin with, then names of fields.
local rows = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local row = redis.call('HMGET', ARGV[1] .. id, unpack(ARGV, 2))
  if row[1] then
    table.insert(row, 1, id)
    rows[#rows + 1] = row
  end
end
return rows
