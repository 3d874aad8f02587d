-- ARGV: what stands in the place of the contract, the contract, its bundle, sandboxes, see `adoption.CarriedOver`
if redis.call('HGET', totals, 'contract') ~= ARGV[1] then return false end
for _, one in ipairs(cmsgpack.unpack(ARGV[4])) do
  local meta = meta_of(one.name)
  local armed, growth = armed_in(meta), one.runtime_bytes - number(meta, 'runtime_bytes')
  for field, value in pairs(one.fields) do
    if value then redis.call('HSET', meta, field, value) else redis.call('HDEL', meta, field) end
  end
  redis.call('HSET', meta, 'runtime_bytes', one.runtime_bytes)
  redis.call('HINCRBY', totals, 'armed', armed_in(meta) - armed)
  redis.call('HINCRBY', totals, 'state_bytes', growth)
end
redis.call('HSET', totals, 'contract', ARGV[2])
redis.call('SET', base .. 'bundle', ARGV[3])
return true
