#!/usr/bin/env bash
# build.sh PRESET [TARGET…]: configures one CMake preset and builds its targets, or those named; prints little unless something fails.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
log=build/$preset.log
mkdir -p build
# A changed environment means other headers: configure anew then.
stamp=build/$preset/python.stamp
if [ ! -e "build/$preset/build.ninja" ] || ! cmp -s .venv/requirements.lock.stamp "$stamp"; then
  echo "configuring ($preset)" >&2
  cmake --fresh --preset "$preset" >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
  cp .venv/requirements.lock.stamp "$stamp"
fi
echo "building ($preset)" >&2
cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1 || { grep -E -A 12 'FAILED|error' "$log" | head -n 80 >&2; exit 1; }
