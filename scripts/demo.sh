#!/usr/bin/env bash
# demo.sh BUILD: trains the example on the sample in examples/higgs4l, then scores events from a C++ program. What a run has
# done already, with the same config and program, is not done again.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
ophion=$build/bin/ophion
example=examples/higgs4l
latest=runs/higgs4l/latest
table=$latest/ranking.txt
# What the run was made from: if one of these has changed since, it is made again.
sources=("$example/train.json" "$example/mlp.py" "$example/higgs4l.root" "$ophion" "$build"/lib*/libophion_core.so)
fresh() {
  [ -s "$table" ] || return 1
  for source in "${sources[@]}"; do [ "$source" -nt "$table" ] && return 1; done
  return 0
}
if fresh; then
  echo "trained before ($(readlink -f "$latest")); remove runs/ to train again"
  cat "$table"
else
  "$ophion" train "$example/train.json" | tee build/ranking.txt
  mv build/ranking.txt "$table"
fi
echo
echo "A C++ program that loads the model and scores events ($build/bin/analysis, source examples/analysis.cpp):"
"$build/bin/analysis" "$latest/models/mlp.ophion"
