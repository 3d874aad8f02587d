#!/usr/bin/env bash
# lowest.sh [PYTHON]: the tests of the core and of the edge with the lowest versions that pyproject.toml allows.
# Needs `uv`, which can choose them; makes an environment in a folder of its own and takes it away.
set -euo pipefail
cd "$(dirname "$0")/../.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
uv venv --quiet --python "${1:-3.11}" "$place"
export VIRTUAL_ENV=$place
uv pip install --quiet --resolution lowest-direct '.[redis]'
uv pip list --quiet | grep -E "$(sed -n '/^dependencies/,/^]/s/^ *"\([a-z0-9-]*\).*/^\1 /p' pyproject.toml | paste -sd '|')"
uv pip freeze --quiet | grep -v '^activation-mockserver' >"$place/lowest.txt"
uv pip install --quiet --constraint "$place/lowest.txt" httpx hypothesis pytest pytest-aiohttp pytest-xdist requests trustme
"$place/bin/python" -m pytest -q -n 2 -p no:cacheprovider \
  tests/core tests/schema/test_{validator,violations}.py tests/contract tests/decision tests/storage tests/redis_storage tests/engine \
  tests/admin/test_{api,clock,contract,events,journal,sandboxes,state,verify}.py tests/client/test_mock.py \
  tests/server/test_{faults,limits,response,server}.py tests/documents tests/transcripts
