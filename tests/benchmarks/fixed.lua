-- Requests for 100 cards and customers, again and again.
local count = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization-ecommerce"] = "benchmark"

function request()
  count = count + 1
  local one = count % 100
  return wrk.format(nil, nil, nil, '{"customer_id": "CUSTOMER-' .. one .. '", "card_identifier": "CARD-' .. one
    .. '", "reference_batch": "7e4b85e27c4610824900af48f340394d"}')
end
