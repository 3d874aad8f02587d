-- ARGV: an entry, counts
local c = cmsgpack.unpack(ARGV[2])
add_entry(c.sandbox, cmsgpack.unpack(ARGV[1]))
count(c)
