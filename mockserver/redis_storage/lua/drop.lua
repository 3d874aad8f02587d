local function armed_in(meta)
  local found = 0
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    if string.sub(field, 1, 6) == 'armed:' then found = found + 1 end
  end
  return found
end
local function drop(name)
  local meta = meta_of(name)
  redis.call('HINCRBY', totals, 'state_bytes', 0 - number(meta, 'record_bytes') - number(meta, 'runtime_bytes'))
  redis.call('HINCRBY', totals, 'armed', 0 - armed_in(meta))
  redis.call('DEL', meta, records_of(name), pending_of(name))
  redis.call('ZREM', names, name)
end
