#!/usr/bin/env bash
# audit.sh [OPTION...]: the known weaknesses of what the project needs at run time, in the newest and in the lowest versions
# that pyproject.toml allows; the options are those of pip-audit (`-s osv`). Needs `uv` and a service that knows them: where
# it says nothing of a package, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
audit=$(sed -n 's/^AUDIT: Final = "\(.*\)"/\1/p' tests/robustness/tools.py)
failed=0
for which in highest lowest-direct; do
  uv pip compile --quiet --extra redis --python-version 3.11 --resolution "$which" --output-file "$place/$which.txt" pyproject.toml
  echo "== $which: $(grep -c == "$place/$which.txt") packages"
  uv tool run "$audit" --strict --disable-pip --no-deps --requirement "$place/$which.txt" "$@" || failed=1
done
exit "$failed"
