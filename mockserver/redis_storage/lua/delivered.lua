-- ARGV: counts of answers, see `coverage.counts`; none is counted twice, nor after a reset
for _, packed in ipairs(ARGV) do
  local c = cmsgpack.unpack(packed)
  if redis.call('SREM', pending_of(c.sandbox), c.entry) == 1 then count(c) end
end
