-- ARGV: name, what to read, see `changes.Wanted`
return read(ARGV[1], cmsgpack.unpack(ARGV[2]))
