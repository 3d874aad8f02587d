-- Each request activates a card of its own for a customer of its own.
local prefix = os.getenv("PREFIX") or "r"
local count = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization-ecommerce"] = "benchmark"

function request()
  count = count + 1
  local id = prefix .. count
  return wrk.format(nil, nil, nil, '{"customer_id": "' .. id .. '", "card_identifier": "CARD-' .. id
    .. '", "reference_batch": "7e4b85e27c4610824900af48f340394d"}')
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("\nRESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
