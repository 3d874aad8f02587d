-- Requests that activate a card, and the check of each answer. The environment says which:
--   HEADS       "varied": a traceparent and an X-Request-Id of its own in each request; "equal": the same in all
--   MEMBERS     more members of the body, with a comma before each
--   NOTE        at most so many characters more in a body, as its member `note`
--   CUSTOMER, CARD  the same in all requests; one of its own in each without them
--   STATUS, ANSWER  what each answer has to be: a status, and a Lua pattern of its text; without ANSWER it has to name a
--               customer that was asked for and not answered yet
--   PREFIX, SEED    other ones in each run, so that no server is ever sent the same head or card twice: LuaJIT's random
--               numbers are the same in each process that does not seed them
local function setting(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local prefix, varied = setting("PREFIX") or "r-", setting("HEADS") ~= "equal"
local members, longest = setting("MEMBERS") or "", tonumber(setting("NOTE") or 0)
local customer, card = setting("CUSTOMER"), setting("CARD")
local expected_status, expected_answer = tonumber(setting("STATUS") or 200), setting("ANSWER")
local count, unanswered, threads = 0, {}, {}
local random, format = math.random, string.format
wrong = 0

-- Digits are looked up four at a time: to format each would take the generator longer than all the rest.
local hexadecimal = {}
for number = 0, 65535 do
  hexadecimal[number] = format("%04x", number)
end

local function sixteen_digits()
  return hexadecimal[random(0, 65535)] .. hexadecimal[random(0, 65535)] .. hexadecimal[random(0, 65535)]
    .. hexadecimal[random(0, 65535)]
end

local function ids()
  return "traceparent: 00-" .. sixteen_digits() .. sixteen_digits() .. "-" .. sixteen_digits() .. "-01\r\nX-Request-Id: "
    .. sixteen_digits() .. sixteen_digits() .. "\r\n"
end

function setup(thread)
  table.insert(threads, thread)
end

function init()
  math.randomseed(tonumber(setting("SEED") or 1))
  head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. "\r\nContent-Type: application/json\r\nAuthorization-ecommerce: benchmark\r\n"
  same_ids = ids()
end

function request()
  count = count + 1
  local id = prefix .. format("%08d", count) -- equally long, so that equal heads have one Content-Length
  local who = customer or id
  local note = longest > 0 and ',"note":"' .. string.rep("x", random(0, longest)) .. '"' or ""
  local body = '{"customer_id":"' .. who .. '","card_identifier":"' .. (card or id)
    .. '","reference_batch":"7e4b85e27c4610824900af48f340394d"' .. members .. note .. "}"
  if not expected_answer and not customer then
    unanswered[who] = true
  end
  return head .. (varied and ids() or same_ids) .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
end

local function is_expected(body)
  if expected_answer then
    return string.find(body, expected_answer) ~= nil
  end
  local who = string.match(body, '"customer_id": ?"([^"]*)"')
  if customer then
    return who == customer
  end
  local known = who ~= nil and unanswered[who] ~= nil
  if known then
    unanswered[who] = nil
  end
  return known
end

function response(status, headers, body)
  if status ~= expected_status or not is_expected(body) then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local errors, mistaken = summary.errors, 0 -- errors.status counts every 4xx, so that `response` looks at the status
  for _, thread in ipairs(threads) do
    mistaken = mistaken + thread:get("wrong")
  end
  io.write(format("\nRESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + mistaken, latency:percentile(50),
    latency:percentile(99)))
end
