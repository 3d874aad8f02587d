local totals = KEYS[1]
local base = string.sub(totals, 1, -7)
local names, entries, order, lost = base .. 'sandboxes', base .. 'entries', base .. 'order', base .. 'lost'
local evicted, cleared = base .. 'evicted', base .. 'cleared'
local function meta_of(name) return base .. 'sandbox:' .. name end
local function records_of(name) return base .. 'records:' .. name end
local function order_of(name) return base .. 'order:' .. name end
local function pending_of(name) return base .. 'pending:' .. name end
local function coverage_of(name) return base .. 'coverage:' .. name end
local function number(key, field) return tonumber(redis.call('HGET', key, field) or 0) end
local function seconds(now)
  if now ~= '' then return tonumber(now) end
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end
