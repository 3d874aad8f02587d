local function make_room(limits, size)
  while redis.call('ZCARD', order) > limits.max_entries or size > limits.max_bytes do
    local oldest = redis.call('ZPOPMIN', order)[1]
    local value = redis.call('HGET', entries, oldest)
    local stop = string.find(value, '\n', 1, true)
    local owner = string.sub(value, 1, stop - 1)
    redis.call('HDEL', entries, oldest)
    redis.call('ZREM', order_of(owner), oldest)
    size = redis.call('HINCRBY', totals, 'journal_bytes', stop - #value)
    redis.call('HINCRBY', totals, 'journal_evictions', 1)
    redis.call('HINCRBY', lost, owner, 1)
    if redis.call('HLEN', lost) > max_lost_names then
      redis.call('DEL', lost)
      redis.call('HSET', totals, 'lost_by_others', 1)
    end
  end
end
local function add_entry(name, entry)
  if entry.max_entries == 0 then return end
  local sequence = redis.call('HINCRBY', totals, 'sequence', 1)
  redis.call('HSET', entries, entry.id, name .. '\n' .. entry.data)
  redis.call('ZADD', order, sequence, entry.id)
  redis.call('ZADD', order_of(name), sequence, entry.id)
  local size = redis.call('HINCRBY', totals, 'journal_bytes', #entry.data)
  make_room(entry, size)
end
local function tell_cleared(name) -- the listeners of all servers read it; of many deletions the last ones are enough
  redis.call('ZADD', cleared, redis.call('HINCRBY', totals, 'sequence', 1), name)
  redis.call('ZREMRANGEBYRANK', cleared, 0, -max_queued - 1)
end
local function clear_entries(name)
  local ids = redis.call('ZRANGE', order_of(name), 0, -1)
  for _, id in ipairs(ids) do
    redis.call('HINCRBY', totals, 'journal_bytes', #name + 1 - redis.call('HSTRLEN', entries, id))
    redis.call('HDEL', entries, id)
    redis.call('ZREM', order, id)
  end
  redis.call('DEL', order_of(name))
  redis.call('HDEL', lost, name)
  tell_cleared(name)
  return #ids
end
