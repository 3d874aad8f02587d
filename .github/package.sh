#!/usr/bin/env bash
# Builds wheel and source archive into dist/, checks what a package index will show of them, and installs and runs each.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools/build"
"$tools/build/bin/pip" install --quiet build twine
rm -rf dist
"$tools/build/bin/python" -m build
"$tools/build/bin/twine" check --strict dist/*
for file in "$PWD"/dist/*; do
  python3 -m venv --clear "$tools/installed"
  "$tools/installed/bin/pip" install --quiet "$file"
  (cd "$tools" && installed/bin/mockserver check)
done
