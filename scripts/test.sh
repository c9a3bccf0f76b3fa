#!/usr/bin/env bash
# test.sh [full]: builds and runs the tests. Plain: all tests in the dev build, the C++ rooms under address and undefined-behaviour
# sanitizers too, each fuzzer for ten seconds. Full: the thread sanitizer, the Python room under sanitizers, the slow tests, and valgrind as well.
# Ends with one line: "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
presets=(dev asan)
[ "${1:-}" = full ] && presets+=(tsan)
export OPHION_SLOW_TESTS=${1:+1}

jobs=$(($(nproc) + 1))  # some test is always waiting for something
passed=0 failed=0 skipped=0
count() {  # adds up the results of one JUnit report
  read -r p f s < <(.venv/bin/python scripts/count_junit.py "$1")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}
run_pytest() {  # FOLDER PROCESSES [OPTION...]: by processes that each import pytest, NumPy, scikit-learn once
  local report=$PWD/build/pytest.xml
  rm -f "$report"
  OPHION_BUILD=$PWD/build/dev OMP_NUM_THREADS=1 timeout 3600 .venv/bin/python -m pytest "$1" -q -n "${@:2}" -p no:cacheprovider \
    -o faulthandler_timeout=300 --junit-xml="$report" || true
  count "$report"
}
mkdir -p build
for preset in "${presets[@]}"; do
  scripts/build.sh "$preset"
  echo "testing ($preset)"
  report=$PWD/build/$preset/junit.xml
  rm -f "$report"
  ctest --preset "$preset" -j"$jobs" --output-junit "$report" || true
  count "$report"
  if [ "$preset" = dev ]; then
    echo "testing (from end to end)"
    run_pytest tests/end_to_end "$jobs" --dist loadfile
  fi
done
echo "testing (fuzzers, 10 s each)"
scripts/fuzz.sh 10 || true
count "$PWD/build/asan/fuzz.xml"

echo "testing (Python)"
PYTHONPATH=python_scripts run_pytest tests/python "$(nproc)"
echo "testing (the Python package of the dev build)"
run_pytest bindings/tests "$(nproc)" --dist loadfile
if [ "${1:-}" = full ]; then
  for preset in asan tsan; do
    scripts/build.sh "$preset" pymethods_tests
    echo "testing (the Python room, $preset)"
    report=$PWD/build/$preset/python.xml
    rm -f "$report"
    ctest --preset "$preset-python" -j"$jobs" --output-junit "$report" || true
    count "$report"
  done
  echo "testing (valgrind)"
  status=0
  .venv/bin/python scripts/valgrind.py build/dev || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
