-- ARGV: name, what to read, see `changes.Wanted`, contract
local served = redis.call('HGET', totals, 'contract')
if served and served ~= ARGV[3] then return {served} end
return read(ARGV[1], cmsgpack.unpack(ARGV[2]))
