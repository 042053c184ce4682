-- What was written down since a write, in order. KEYS are as in post.lua. ARGV[1] is the number of the last write that is known, ARGV[2]
-- what this life of the server is to be called if it has no name yet, ARGV[3] how many notes are wanted. The answer has its name, and
-- of each note the number of its write, its name, and rank and value in one.
if redis.call('HSETNX', KEYS[4], 'life', ARGV[2]) == 1 then redis.call('PEXPIRE', KEYS[4], 3000000000) end
local answer = { redis.call('HGET', KEYS[4], 'life') }
local list = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #list, 2 do
  answer[#answer + 1] = list[i + 1]
  answer[#answer + 1] = list[i]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], list[i]) or ''
end
return answer
