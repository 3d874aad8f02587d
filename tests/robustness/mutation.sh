#!/usr/bin/env bash
# mutation.sh [--sample N] [MODULE...]: mutation testing of the decision core; see mutation.py. Without --sample it takes
# hours of processor time. Works on a copy, in an environment of its own; results are kept in mutation.jsonl here.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/../.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp -r mockserver schemas scenarios tests examples docs pyproject.toml README.md CHANGELOG.md Dockerfile "$place"
python3 -m venv "$place/venv"
cd "$place"
venv/bin/python -m pip install --quiet '.[test]' "$(sed -n 's/^MUTMUT: Final = "\(.*\)"/\1/p' tests/robustness/tools.py)"
venv/bin/python -m tests.robustness.mutation --results "$here/mutation.jsonl" "$@"
