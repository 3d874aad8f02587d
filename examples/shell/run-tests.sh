#!/bin/sh
# A client's tests beside a mock of their own, and what it saw in the folder mock: mockserver run -- sh run-tests.sh npm test
PROVIDER_URL="$MOCKSERVER_URL/sandbox/job" "$@" # the base URL of the client under test
status=$?
mkdir -p mock
mockserver requests --all --har > mock/journal.har
mockserver requests --all --unexpected --limit 1000 > mock/unexpected.txt
mockserver coverage --all --format html --output mock/coverage.html
mockserver coverage --all --format junit --output mock/coverage.xml
exit $status
