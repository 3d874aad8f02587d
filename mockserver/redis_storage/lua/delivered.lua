-- ARGV: counts of answers, see `coverage.counts`; `born` is the life of the sandbox in which each was committed
for _, packed in ipairs(ARGV) do
  local c = cmsgpack.unpack(packed)
  local meta = meta_of(c.sandbox)
  if redis.call('HGET', meta, 'born') == c.born then
    redis.call('HINCRBY', meta, 'pending', -1)
    count(c)
  end
end
