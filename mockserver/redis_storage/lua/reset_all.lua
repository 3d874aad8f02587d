local found = redis.call('ZRANGE', names, 0, -1)
for _, name in ipairs(found) do drop(name) end
for _, name in ipairs(redis.call('ZRANGE', base .. 'dropped', 0, -1)) do
  redis.call('DEL', base .. 'dropped:' .. name)
end
for _, id in ipairs(redis.call('ZRANGE', order, 0, -1)) do
  local value = redis.call('HGET', entries, id)
  redis.call('DEL', order_of(string.sub(value, 1, string.find(value, '\n', 1, true) - 1)))
end
for _, name in ipairs(redis.call('SMEMBERS', base .. 'strays')) do redis.call('DEL', coverage_of(name)) end
for _, name in ipairs(found) do redis.call('DEL', coverage_of(name)) end
redis.call('DEL', names, entries, order, lost, evicted, base .. 'coverage', base .. 'dropped', base .. 'recent',
  base .. 'older', base .. 'strays')
redis.call('HDEL', totals, 'evicted_others', 'lost_by_others', 'forgotten', 'journal_bytes')
tell_cleared('*')
return found
