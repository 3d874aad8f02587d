-- ARGV: the contract that is served, what stands in its place while its state is carried over; see `adoption`
if redis.call('HGET', totals, 'contract') ~= ARGV[1] then return false end
redis.call('HSET', totals, 'contract', ARGV[2])
for _, name in ipairs(redis.call('ZRANGE', names, 0, -1)) do
  -- To requests that are being answered their sandbox is gone, as after a reset.
  redis.call('HSET', meta_of(name), 'born', redis.call('HINCRBY', totals, 'births', 1))
  redis.call('DEL', pending_of(name))
end
return true
