-- ARGV: a change, see `changes.Change`
local c = cmsgpack.unpack(ARGV[1])
local meta, records = meta_of(c.sandbox), records_of(c.sandbox)
if redis.call('HGET', meta, 'born') ~= c.born then return 'gone' end
for field, value in pairs(c.expected) do
  if redis.call('HGET', meta, field) ~= value then return 'conflict' end
end
for field, value in pairs(c.read) do
  if redis.call('HGET', records, field) ~= value then return 'conflict' end
end
local kept, bytes = number(meta, 'records'), number(meta, 'record_bytes')
local added, growth = 0, c.growth
local replacement = c.replacement and base .. c.replacement.name
if replacement then
  if redis.call('HLEN', replacement) ~= c.replacement.records then return 'conflict' end
  added, growth = c.replacement.records - kept, growth + c.replacement.bytes - bytes
end
for field, value in pairs(c.records) do
  local before = redis.call('HGET', records, field)
  if before then added, growth = added - 1, growth - #before - #field - c.overhead end
  if value then added, growth = added + 1, growth + #value + #field + c.overhead end
end
if added > 0 and kept + added > c.max_records then return 'max_records' end
if growth > 0 and number(totals, 'state_bytes') + growth > c.max_state_bytes then return 'max_state_bytes' end
if c.is_trial then return 'ok' end
if replacement then
  redis.call('UNLINK', records)
  if c.replacement.records > 0 then redis.call('RENAME', replacement, records) end
  redis.call('PERSIST', records)
end
for field, value in pairs(c.records) do
  if value then redis.call('HSET', records, field, value) else redis.call('HDEL', records, field) end
end
for _, prefix in ipairs(c.forgotten) do
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    if string.sub(field, 1, #prefix) == prefix then redis.call('HDEL', meta, field) end
  end
end
for field, value in pairs(c.fields) do
  local is_armed, before = string.sub(field, 1, 6) == 'armed:', redis.call('HEXISTS', meta, field)
  if value then redis.call('HSET', meta, field, value) else redis.call('HDEL', meta, field) end
  if is_armed then redis.call('HINCRBY', totals, 'armed', (value and 1 or 0) - before) end
end
redis.call('HSET', meta, 'records', kept + added)
redis.call('HINCRBY', meta, 'record_bytes', growth - c.growth)
redis.call('HINCRBY', meta, 'runtime_bytes', c.growth)
redis.call('HINCRBY', totals, 'state_bytes', growth)
if c.entry then
  add_entry(c.sandbox, c.entry)
  redis.call('SADD', pending_of(c.sandbox), c.entry.id)
end
if c.armed then
  local id = redis.call('HINCRBY', meta, 'last_armed', 1)
  redis.call('HSET', meta, 'armed:' .. id, c.armed)
  redis.call('HINCRBY', totals, 'armed', 1)
  return tostring(id)
end
return 'ok'
