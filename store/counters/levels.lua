-- What each process has in flight is kept under its name, and what the others have is told to it.
--
-- KEYS[1] holds the processes, by when they were last heard of (see exchange.lua); KEYS[2] what each of them has in flight. ARGV[1] is
-- the process, ARGV[2] for how long one counts after it was heard of, ARGV[3] what this one has. The answer is what each other one has.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], 60000)
local alive = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now - ARGV[2]), '+inf')) do alive[node] = true end
local answer, kept = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #kept, 2 do
  if kept[i] == ARGV[1] then
  elseif alive[kept[i]] then
    answer[#answer + 1] = kept[i + 1]
  else
    redis.call('HDEL', KEYS[2], kept[i])
  end
end
return answer
