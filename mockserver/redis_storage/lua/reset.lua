-- ARGV: name
local existed = redis.call('EXISTS', meta_of(ARGV[1]))
clear_entries(ARGV[1])
drop_counts(ARGV[1])
redis.call('SREM', evicted, ARGV[1])
drop(ARGV[1])
return existed
