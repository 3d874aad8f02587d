-- ARGV: name, mode (use, find or peek), now, ttl, most sandboxes, what all servers share (each with its name),
-- what to read, see `changes.Wanted`
local name, mode, meta = ARGV[1], ARGV[2], meta_of(ARGV[1])
for _, shared in ipairs(cmsgpack.unpack(ARGV[6])) do
  local served = redis.call('HGET', totals, shared[1])
  if not served then redis.call('HSET', totals, shared[1], shared[2]) -- the store has lost its data
  elseif served ~= shared[2] then return {'other', shared[1], served} end
end
local now = seconds(ARGV[3])
if redis.call('EXISTS', meta) == 0 and mode ~= 'find' then
  local others = redis.call('ZCARD', names)
  if redis.call('ZSCORE', names, '') then others = others - 1 end
  if name ~= '' and others >= tonumber(ARGV[5]) then
    local idle, oldest = nil, redis.call('ZRANGE', names, 0, -1, 'WITHSCORES')
    for i = 1, #oldest, 2 do
      local age = now - tonumber(oldest[i + 1])
      if age < tonumber(ARGV[4]) then break end
      -- An answer that is on its way for longer than any delay and fault takes is one of a server that was killed.
      local waits = redis.call('SCARD', pending_of(oldest[i])) > 0 and age < tonumber(ARGV[4]) + longest_answer
      if oldest[i] ~= '' and not waits then idle = oldest[i]; break end
    end
    if not idle then return {'full'} end
    if mode == 'use' then
      drop(idle)
      drop_counts(idle)
      redis.call('HINCRBY', totals, 'evictions', 1)
      redis.call('SADD', evicted, idle)
      if redis.call('SCARD', evicted) > max_evicted_names then
        redis.call('DEL', evicted)
        redis.call('HSET', totals, 'evicted_others', 1)
      end
    end
  end
  if mode == 'use' then
    local before = 0
    if redis.call('SISMEMBER', evicted, name) == 1 or number(totals, 'evicted_others') == 1 then before = 1 end
    redis.call('HSET', meta, 'born', redis.call('HINCRBY', totals, 'births', 1), 'evicted_before', before)
  end
end
local id = ''
if mode == 'use' then
  redis.call('ZADD', names, now, name)
  id = tostring(redis.call('HINCRBY', totals, 'ids', 1))
end
return {'ok', id, read(name, cmsgpack.unpack(ARGV[7]))}
