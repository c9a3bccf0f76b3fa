#!/usr/bin/env bash
# fuzz.sh SECONDS: builds the fuzzers (clang's libFuzzer, with the address and undefined-behaviour sanitizers) and runs each for so
# long. What they find new stays in build/asan/corpus; an input that fails lies in build/asan, named in the output.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh asan
cmake --preset asan -DOPHION_FUZZ_SECONDS="$1" >/dev/null
rm -f build/asan/fuzz.xml
ctest --preset fuzz -j"$(nproc)" --output-junit "$PWD/build/asan/fuzz.xml"
