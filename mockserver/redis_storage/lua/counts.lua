local function merge(from, into)
  local fields = redis.call('HGETALL', from)
  for i = 1, #fields, 2 do
    local field, kind, value = fields[i], string.sub(fields[i], 1, 1), tonumber(fields[i + 1])
    local before = tonumber(redis.call('HGET', into, field) or value)
    if kind == '<' then redis.call('HSET', into, field, math.min(before, value))
    elseif kind == '>' then redis.call('HSET', into, field, math.max(before, value))
    elseif kind ~= '#' then redis.call('HINCRBY', into, field, value) end
  end
end
local function drop_counts(name)
  local from = coverage_of(name)
  if redis.call('EXISTS', from) == 0 then return end
  merge(from, base .. 'coverage')
  merge(from, base .. 'dropped:' .. name)
  redis.call('DEL', from)
  redis.call('ZADD', base .. 'dropped', redis.call('HINCRBY', totals, 'drops', 1), name)
  if redis.call('ZCARD', base .. 'dropped') > max_dropped then
    redis.call('DEL', base .. 'dropped:' .. redis.call('ZPOPMIN', base .. 'dropped')[1])
    redis.call('HSET', totals, 'forgotten', 1)
  end
end
local function count(c)
  local key = coverage_of(c.sandbox)
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, '#serial', redis.call('HINCRBY', totals, 'serials', 1))
    if redis.call('ZSCORE', names, c.sandbox) == false then
      redis.call('SADD', base .. 'strays', c.sandbox)
      if redis.call('SCARD', base .. 'strays') > max_strays then
        for _, stray in ipairs(redis.call('SMEMBERS', base .. 'strays')) do
          if redis.call('ZSCORE', names, stray) == false then drop_counts(stray) end
        end
        redis.call('DEL', base .. 'strays')
        redis.call('SADD', base .. 'strays', c.sandbox)
        redis.call('HSET', key, '#serial', redis.call('HINCRBY', totals, 'serials', 1))
      end
    end
  end
  local function bounded(field, other)
    if redis.call('HEXISTS', key, field) == 0 and redis.call('HLEN', key) >= max_counts then return other end
    return field
  end
  for _, field in ipairs(c.fields) do redis.call('HINCRBY', key, field, 1) end
  for _, pair in ipairs(c.bounded) do redis.call('HINCRBY', key, bounded(pair[1], pair[2]), 1) end
  if not c.outcome then return end
  local recent, older = base .. 'recent', base .. 'older'
  local place = redis.call('HGET', key, '#serial') .. ' ' .. c.fingerprint
  local previous = redis.call('HGET', recent, place) or redis.call('HGET', older, place)
  local time = redis.call('TIME')
  local started = tonumber(time[1]) * 1000000 + tonumber(time[2]) - c.age
  local last = {started, c.outcome, c.lost, c.other}
  if previous then
    local before = cmsgpack.unpack(previous)
    if before[1] > started then before, last = last, before end -- a delay let its answer out after that of its retry
    local after, outcome = last[1] - before[1], bounded('=' .. before[2], '=' .. before[4])
    outcome = string.sub(outcome, 2)
    redis.call('HINCRBY', key, '=' .. outcome, 1)
    local low, high = redis.call('HGET', key, '<' .. outcome), redis.call('HGET', key, '>' .. outcome)
    redis.call('HSET', key, '<' .. outcome, math.min(tonumber(low or after), after))
    redis.call('HSET', key, '>' .. outcome, math.max(tonumber(high or after), after))
    if before[3] then redis.call('HINCRBY', key, 'retries_after_loss', 1) end
  end
  redis.call('HSET', recent, place, cmsgpack.pack(last))
  if redis.call('HLEN', recent) >= max_remembered then redis.call('RENAME', recent, older) end
end
