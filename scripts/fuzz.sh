#!/usr/bin/env bash
# fuzz.sh SECONDS: builds the fuzzers (clang's libFuzzer, with the address and undefined-behaviour sanitizers) and runs each for so
# long. What they find new stays in build/fuzz/corpus; an input that fails lies in build/fuzz, named in the output. Ends with 3 where
# this machine has no libFuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."
program='extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
if ! clang++-14 -fsanitize=fuzzer -x c++ - -o /dev/null <<<"$program" 2>/dev/null; then
  echo "no libFuzzer here (Debian: clang-14 and libclang-rt-14-dev)" >&2
  exit 3
fi
scripts/build.sh fuzz
cmake --preset fuzz -DOPHION_FUZZ_SECONDS="$1" >/dev/null
rm -f build/fuzz/junit.xml
ctest --preset fuzz -j"$(nproc)" --output-junit "$PWD/build/fuzz/junit.xml"
