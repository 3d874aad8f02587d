-- ARGV: name, an entry
local name, entry = ARGV[1], cmsgpack.unpack(ARGV[2])
local before = redis.call('HGET', entries, entry.id)
if not before then return end
local value = name .. '\n' .. entry.data
redis.call('HSET', entries, entry.id, value)
make_room(entry, redis.call('HINCRBY', totals, 'journal_bytes', #value - #before))
