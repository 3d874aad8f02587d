#!/usr/bin/env bash
# Sets up the mock and its peers and measures them all: tests/benchmarks/run.sh [--python PYTHON] [OPTION...]
# Options are those of report.py, which prints docs/pages/explanation/performance.md's tables; it takes some 30 minutes. PYTHON is the
# interpreter that the mock is installed with (python3). Peers are what npm or PyPI give, so neither MockServer nor
# Microcks; they and the mock, as a user installs it, go to PEERS (a folder of the user's cache).
set -euo pipefail
cd "$(dirname "$0")"
PEERS=${PEERS:-$HOME/.cache/mockserver-peers}
export PEERS
PYTHON=python3
if [ "${1:-}" = --python ]; then
  PYTHON=$2
  shift 2
fi
mkdir -p "$PEERS"

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v java >/dev/null || missing+=(default-jre-headless)
command -v npm >/dev/null || missing+=(nodejs npm)
"$PYTHON" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi >&2

[ -e "$PEERS/package.json" ] || echo '{"private": true}' >"$PEERS/package.json"
npm install --prefix "$PEERS" --no-audit --no-fund --loglevel=error \
  wiremock@3.13.2 @mbtest/mountebank@2.9.2 @stoplight/prism-cli@5.16.0 @mockoon/cli@9.9.0 >&2

ENVIRONMENT=$PEERS/python-$("$PYTHON" -c 'import platform; print(platform.python_version())')
[ -d "$ENVIRONMENT" ] || "$PYTHON" -m venv "$ENVIRONMENT"
"$ENVIRONMENT/bin/python" -m pip install -q ../.. orjson pytest-httpserver==1.2.0 >&2
"$ENVIRONMENT/bin/python" -m pip install -q --force-reinstall --no-deps ../.. >&2 # the sources may have changed since

exec "$ENVIRONMENT/bin/python" report.py "$@"
