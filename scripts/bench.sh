#!/usr/bin/env bash
# bench.sh BUILD [LETTER…]: builds the benchmarks in the build folder BUILD (of preset release), runs those named (a to i, k, m, p, r, u, native, or soak,
# which takes SOAK_SECONDS; all but soak when none is) and prints a table: what, the figure, its goal. Everything but soak and i on one
# thread.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED OPENBLAS_CORETYPE  # as in the Makefile; this is called by itself too
build=${1:?usage: bench.sh BUILD [LETTER…]}
shift
[ $# -gt 0 ] || set -- a b c d e f g h i k m p r u native
mkdir -p "$build"
build=$(cd "$build" && pwd)
cores=$(nproc)
log=$build/benchmarks.log
{ cmake --preset release -B "$build" -DOPHION_BUILD_BENCHMARKS=ON && cmake --build "$build" --target all benchmarks -j "$cores"; } >"$log" 2>&1 ||
  { grep -E -A 12 'FAILED|[Ee]rror' "$log" | head -n 60 >&2; exit 1; }

# What is trained here is trusted in a store of its own.
export XDG_DATA_HOME=$build/benchmarks/data
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMEXPR_MAX_THREADS=1
python=$PWD/.venv/bin/python3
programs=$build/benchmarks
work=$build/benchmarks/work

run() {
  case $1 in
    a | e) "$programs/call_benchmark" "$1" ;;
    b)
      "$programs/fit_benchmark"
      "$python" benchmarks/processes.py "$build/bin/ophion" "$work" time ;;
    c) "$programs/predict_benchmark" ;;
    d) "$python" benchmarks/processes.py "$build/bin/ophion" "$work" memory 3 ;;
    f)
      "$python" benchmarks/processes.py "$build/bin/ophion" "$work" events
      "$programs/events_benchmark" "$work/events.root" ;;
    g) "$programs/expression_benchmark" ;;
    h) "$programs/isolation_benchmark" ;;
    i) "$programs/batching_benchmark" ;;
    k) "$programs/callback_benchmark" ;;
    m) "$programs/buffer_benchmark" "$programs" ;;
    p) "$python" benchmarks/python_predict.py "$build" "$work/python" ;;
    r) "$python" benchmarks/report.py "$work/report" ;;
    u) "$programs/features_benchmark" ;;
    soak) "$programs/soak_benchmark" "${SOAK_SECONDS:-600}" ;;
    native)
      [ ! -x "$programs/native_benchmark" ] || "$programs/native_benchmark"
      "$python" benchmarks/native_peers.py "$programs/native_peers.so" "$work/native"
      "$python" benchmarks/ydf_trees.py "$programs/native_peers.so" "$work/native"
      "$python" benchmarks/first_score.py "$build" "$work/native" ;;
    *) echo "bench.sh: no benchmark '$1': expected a to i, k, m, p, r, u, native or soak" >&2; exit 2 ;;
  esac
}

echo "$cores cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
table=$build/benchmarks/table.txt
: >"$table"
for letter in "$@"; do run "$letter" | tee -a "$table"; done
echo "goals met: $(grep -c '| pass |' "$table" || true), missed: $(grep -c '| MISS |' "$table" || true)"
