-- Sends prepared requests in turn: `wrk -s rotate.lua URL -- FILE FIRST`. They are whole requests,
-- with a zero byte after each.

local requests, count, at = {}, 0, 0

function init(args)
   local file = assert(io.open(args[1], "rb"))
   for request in file:read("*a"):gmatch("(%Z+)%z") do
      count = count + 1
      requests[count] = request
   end
   file:close()
   at = tonumber(args[2]) % count
end

function request()
   at = at + 1
   if at > count then
      at = 1
   end
   return requests[at]
end

function done(summary)
   local errors = summary.errors
   io.write(string.format("measured %d %d %d %d\n", summary.requests, summary.duration,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
