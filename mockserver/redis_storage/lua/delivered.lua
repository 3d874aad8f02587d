-- ARGV: life of the sandbox, counts; see `coverage.counts`
local c = cmsgpack.unpack(ARGV[2])
local meta = meta_of(c.sandbox)
if redis.call('HGET', meta, 'born') ~= ARGV[1] then return end
redis.call('HINCRBY', meta, 'pending', -1)
count(c)
