-- Each request activates a card of its own for a customer of its own (CUSTOMER: for this one). The status is always
-- looked at; with ECHO=1 each answer must also name a customer that was asked for and not answered yet.
local prefix, customer = os.getenv("PREFIX") or "r", os.getenv("CUSTOMER")
local echo = os.getenv("ECHO") == "1"
local count, asked, threads = 0, {}, {}
wrong = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization-ecommerce"] = "benchmark"

function setup(thread)
  table.insert(threads, thread)
end

function request()
  count = count + 1
  local id = prefix .. count
  local who = customer or id
  if echo then
    asked[who] = (asked[who] or 0) + 1
  end
  return wrk.format(nil, nil, nil, '{"customer_id": "' .. who .. '", "card_identifier": "CARD-' .. id
    .. '", "reference_batch": "7e4b85e27c4610824900af48f340394d"}')
end

if echo then
  function response(status, headers, body)
    local who = string.match(body, '"customer_id": ?"([^"]*)"')
    if status == 200 and who and asked[who] then
      asked[who] = asked[who] > 1 and asked[who] - 1 or nil
    else
      wrong = wrong + 1
    end
  end
end

function done(summary, latency, requests)
  local errors, mistaken = summary.errors, 0
  for _, thread in ipairs(threads) do
    mistaken = mistaken + thread:get("wrong")
  end
  io.write(string.format("\nRESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout + mistaken,
    latency:percentile(50), latency:percentile(99)))
end
