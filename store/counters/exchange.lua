-- What one process has spent is added to what all have spent, and what all have spent is told to it.
--
-- KEYS[1] holds the processes, by when they were last heard of; the others are keys of limits, each with five arguments:
-- what was spent, as time in microseconds; since when; the TAT as the process knows it, which is never later than the one
-- kept here unless that was lost; how far it may lie ahead at most; and the window in which the process was last counted
-- for the key.
-- ARGV[1] is the process, ARGV[2] for how long it counts. The answer has the number of processes and the time, and of each
-- key how far its TAT lies ahead, how many processes spend under it, and the window. Time is that of this server alone.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window = math.floor(now / 200000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - ARGV[2]))
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
local answer = { redis.call('ZCARD', KEYS[1]), now }
for i = 2, #KEYS do
  local a = 5 * i - 8
  local spent, since, known, most, seen = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
  if since == 0 or since > now then since = now end
  local tat, last, these, those = 0, 0, 0, 0
  local kept = redis.call('GET', KEYS[i])
  if kept then
    local t, w, c, p = string.match(kept, '^(%d+) (%d+) (%d+) (%d+)$')
    if t then tat, last, these, those = tonumber(t), tonumber(w), tonumber(c), tonumber(p) end
  end
  if spent > 0 then tat = math.max(tat, since) + spent end
  tat = math.min(math.max(tat, known), now + most)
  if last ~= window then
    those = (last == window - 1) and these or 0
    these = 0
  end
  if seen ~= window then these = these + 1 end
  redis.call('SET', KEYS[i], string.format('%.0f %d %d %d', tat, window, these, those), 'PX', math.max(400, math.ceil((tat - now) / 1000)))
  answer[#answer + 1] = math.max(0, tat - now)
  answer[#answer + 1] = math.max(these, those)
  answer[#answer + 1] = window
end
return answer
