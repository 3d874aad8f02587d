-- ARGV: name, fields of records; answers: fields of the sandbox, records, ids of entries that are no longer kept
local name, values, gone = ARGV[1], {}, {}
for i = 2, #ARGV do
  local value = redis.call('HGET', records_of(name), ARGV[i])
  values[i - 1] = value
  local entry = value and string.match(value, '"entry":"(%d+)"}$')
  if entry and redis.call('HEXISTS', entries, entry) == 0 then gone[#gone + 1] = entry end
end
return {redis.call('HGETALL', meta_of(name)), values, gone}
