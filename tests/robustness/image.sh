#!/usr/bin/env bash
# image.sh [--sbom FILE] [IMAGE]: what is in the image, and whether anything is that must not be; see image.py.
# Needs docker, and python3 of 3.11 or later. Builds the image unless one is named; the list (CycloneDX) goes to FILE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check packaging \
  "$(sed -n 's/^SYFT: Final = "\(.*\)"/\1/p' "$here/tools.py")"
PYTHONPATH=$here/../.. "$place/bin/python" -m tests.robustness.image "$@"
