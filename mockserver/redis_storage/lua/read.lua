local function read(name, wanted)
  local found, gone, meta, records = {}, {}, meta_of(name), records_of(name)
  for _, new in ipairs(wanted.new) do
    local counter = cjson.decode(redis.call('HGET', meta, 'id:' .. new.name) or '[0,0]')
    table.insert(wanted.fields, new.field .. string.format('%.0f', new.start + math.max(counter[1], counter[2])))
  end
  for _, field in ipairs(wanted.fields) do
    local value = redis.call('HGET', records, field)
    table.insert(found, field)
    table.insert(found, value)
    local entry = value and string.match(value, '"entry":"(%d+)"}$')
    if entry and redis.call('HEXISTS', entries, entry) == 0 then table.insert(gone, entry) end
  end
  return cmsgpack.pack({redis.call('HGETALL', meta), found, gone}) -- the client reads one text faster than many
end
