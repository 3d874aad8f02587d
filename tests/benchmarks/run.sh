#!/usr/bin/env bash
# The mock beside its peers, all set up: tests/benchmarks/run.sh [ROUNDS] [SECONDS] (5 and 5; about 30 minutes).
# Peers are what npm or PyPI give (so neither MockServer nor Microcks). They, and the mock as a user installs it, go to
# PEERS (a folder of the user's cache), in the versions given below.
set -euo pipefail
cd "$(dirname "$0")"
PEERS=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mockserver-peers}
export PEERS
mkdir -p "$PEERS"

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v java >/dev/null || missing+=(default-jre-headless)
command -v npm >/dev/null || missing+=(nodejs npm)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
HEADERS='import sysconfig; from pathlib import Path; raise SystemExit(not Path(sysconfig.get_path("include"), "Python.h").exists())'
python3 -c "$HEADERS" || missing+=(python3-dev)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

[ -e "$PEERS/package.json" ] || echo '{"private": true}' >"$PEERS/package.json"
npm install --prefix "$PEERS" --no-audit --no-fund --loglevel=error \
  wiremock@3.13.2 @mbtest/mountebank@2.9.2 @stoplight/prism-cli@5.16.0 @mockoon/cli@9.9.0 specmatic@2.55.1 >&2

# The limits and the peer in Python; the mock has an environment of its own, with what it needs at run time alone.
[ -d "$PEERS/peers" ] || python3 -m venv "$PEERS/peers"
"$PEERS/peers/bin/python" -m pip --version >/dev/null 2>&1 || "$PEERS/peers/bin/python" -m ensurepip >&2
"$PEERS/peers/bin/python" -m pip install -q aiohttp uvloop orjson jsonschema-rs pytest-httpserver==1.2.0 >&2
[ -d "$PEERS/mock" ] || python3 -m venv "$PEERS/mock"
"$PEERS/mock/bin/python" -m pip install -q --force-reinstall --no-deps ../.. >&2
"$PEERS/mock/bin/python" -m pip install -q ../.. >&2

# The same compiled, by the same interpreter; from a copy, as what is compiled is left beside the sources.
[ -d "$PEERS/compiled" ] || "$PEERS/mock/bin/python" -m venv "$PEERS/compiled"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r ../../{pyproject.toml,README.md,mockserver,scenarios,schemas} "$copy"
HATCH_BUILD_HOOK_ENABLE_MYPYC=1 "$PEERS/compiled/bin/python" -m pip install -q "$copy" >&2

measure() { "$PEERS/mock/bin/python" success_path.py --peers "$PEERS" "$@"; }

echo "## Side by side"
measure "${1:-5}" "${2:-5}"
echo
echo "## A thousand rules, the last one answering"
measure "$(((${1:-5} + 1) / 2))" "${2:-5}" --rules 1000 \
  --only "mock;mock, compiled;hand-made minimum;pytest-httpserver;WireMock;WireMock, no request journal;Mountebank"
