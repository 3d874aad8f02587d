#!/usr/bin/env bash
# Activating a card with curl, against a running mock: ./activation.sh [URL]
# Each run has a sandbox of its own, so that two can run side by side and nothing is left over from the last one.
set -euo pipefail

MOCK=${1:-${MOCK_URL:-http://127.0.0.1:8080}}
BASE=$MOCK/sandbox/shell-$$-$RANDOM
BATCH=7e4b85e27c4610824900af48f340394d

activate() { # CARD [CUSTOMER]: the body, then the status in a line of its own; 000 where no answer came
  curl -s -w '\n%{http_code}' "$BASE/debit/v1/activateCardForCustomer" -H 'Content-Type: application/json' \
    -d "{\"customer_id\": \"${2:-12345678}\", \"card_identifier\": \"$1\", \"reference_batch\": \"$BATCH\"}" || true
}
expect() { # WHAT PATTERN TEXT
  if [[ $3 != *$2* ]]; then
    printf 'FAILED  %s: expected %s, got\n%s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  printf 'ok      %s\n' "$1"
}
admin() { # METHOD PATH [JSON]
  curl -s -X "$1" "$BASE/__admin$2" ${3:+-d "$3"}
}

# A success.
answer=$(activate CARD-001)
expect "a card is activated" '"status":"activated"' "$answer"
expect "with status 200" $'\n200' "$answer"

# An error by value: a reserved card.
expect "a card that is activated already" '"code":4433' "$(activate TEST-ACTIVATED TEST-CUSTOMER)"

# An error that is armed: the next request gets it, whatever it is.
admin POST /arm '{"scenario": "provider-communication"}' >/dev/null
expect "the provider cannot be reached" '"code":5001' "$(activate TEST-CARD TEST-CUSTOMER)"

# The answer is lost: the card is activated, but the client never hears of it. Its retry meets 4433.
admin POST /arm '{"fault": "reset", "commit": true}' >/dev/null
expect "no answer comes" $'\n000' "$(activate CARD-002 TEST-ENTERPRISE)"
expect "the retry learns that it is done" '"code":4433' "$(activate CARD-002 TEST-ENTERPRISE)"

# A verification: what the client really sent.
claim='{"when": {"body.card_identifier": "CARD-002"}, "count": {"exactly": 2}}'
expect "it was sent twice" '"holds":true' "$(admin POST /verify "$claim")"
expect "nothing armed is left" '"holds":true' "$(admin POST /verify '{"armed": "used"}')"

# Coverage: which documented outcomes this script has met.
curl -s "$BASE/__admin/coverage?format=text"
