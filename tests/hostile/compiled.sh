#!/usr/bin/env bash
# compiled.sh [TESTS...]: the tests of the core, of the edge and of the commands, or those given, against the mock compiled
# and installed. Needs a C compiler and Python's headers (without them the status is 77); makes an environment in a folder of
# its own and takes it away.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3}
compiler=$("$PYTHON" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')
command -v "$compiler" >/dev/null || { echo "compiled.sh: there is no C compiler ($compiler); install gcc" >&2; exit 77; }
header=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
[ -e "$header" ] || { echo "compiled.sh: there is no $header; install python3-dev" >&2; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place" # a test starts the mock as another user
mkdir "$place/tree"
tar -c --exclude=.git --exclude='.venv*' --exclude='.*_cache' --exclude=__pycache__ --exclude='*.so' . | tar -x -C "$place/tree"
cd "$place/tree"
"$PYTHON" -m venv "$place/environment"
PATH=$place/environment/bin:$PATH
export PATH
started=$SECONDS
HATCH_BUILD_HOOK_ENABLE_MYPYC=1 pip install -q --disable-pip-version-check '.[test]'
echo "built in $((SECONDS - started)) s"
# Neither the sources nor what was compiled beside them can stand in for what is installed.
rm -r mockserver
python -c '
import sys, mockserver.engine
file = mockserver.engine.__file__
sys.exit(None if file.startswith(sys.prefix) and not file.endswith(".py") else f"compiled.sh: {file} is not compiled")'
[ $# -gt 0 ] || set -- tests/test_{admin,arming,bundle,cli,client,clock,clock_api,connections,coverage,decide,delays}.py \
  tests/test_{derived,directives,events,examples,explain,faults,formats,heads,hostile,hostile_wire,journal,limits}.py \
  tests/test_{loading,logs,masks,matching,metrics,mixed,model,operation,order,outbox,overlays,properties,references}.py \
  tests/test_{reload,rendering,replay,report,run_time,running,sandboxes,second_operation,sequences,server,sources}.py \
  tests/test_{state,store,tls,together,transcripts,validation,values,verify,wellformed,wire}.py
pytest -q -n 2 -p no:cacheprovider -m "not interpreted" "$@"
