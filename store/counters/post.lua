-- What holds for all processes is written down: of each name what has the highest rank.
--
-- KEYS are a hash of names, two sets of them, by when they were written and by when they end, and a hash with the number of writes.
-- ARGV[1] is how many names there may be; then come, of each note, its name, rank, for how many milliseconds it is kept, and value.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now), 'LIMIT', 0, 500)) do
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
  redis.call('ZREM', KEYS[3], name)
end
if redis.call('HEXISTS', KEYS[4], 'writes') == 0 then -- lost alone, where a server short of memory drops keys
  local top = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  redis.call('HSET', KEYS[4], 'writes', top[2] or 0)
end
for i = 2, #ARGV, 4 do
  local name, rank, left = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local kept = redis.call('HGET', KEYS[1], name)
  local before = kept and tonumber(string.match(kept, '^%d+'))
  if (kept or redis.call('HLEN', KEYS[1]) < tonumber(ARGV[1])) and (not before or rank > before) then
    redis.call('HSET', KEYS[1], name, ARGV[i + 1] .. ' ' .. ARGV[i + 3])
    redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[4], 'writes', 1), name)
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + left), name)
  end
end
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], 3000000000) end
return 1
