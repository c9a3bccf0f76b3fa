#!/usr/bin/env bash
# run.sh BUILD SOURCE: installs Ophion into an empty folder, moves that folder, and uses it as a stranger's project would.
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME=$work/data  # a store of trusted models of its own
step() { echo "== $*"; }

step "install, then move the installation"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/installed"
prefix=$work/installed

step "no installed library or program needs libpython, and none points into the build"
count=0
while read -r file; do
  needs=$(readelf -d "$file" 2>/dev/null || true)
  [ -n "$needs" ] || continue
  count=$((count + 1))
  if grep -E 'NEEDED.*libpython' <<<"$needs"; then echo "$file needs libpython"; exit 1; fi
  if grep -E '(RPATH|RUNPATH)' <<<"$needs" | grep -F "$build"; then echo "$file points into the build"; exit 1; fi
done < <(find "$prefix" -type f \( -name '*.so*' -o -path '*/bin/*' \))
[ "$count" -ge 10 ] || { echo "only $count files looked at"; exit 1; }

step "every public header compiles alone, without Python's, NumPy's or a JSON library's headers"
for header in "$prefix"/include/ophion/*.h; do
  echo "#include <ophion/$(basename "$header")>" |
    g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -M -x c++ - >"$work/deps"
  if grep -E 'Python\.h|numpy/|nlohmann' "$work/deps"; then echo "$header pulls that in"; exit 1; fi
  echo "#include <ophion/$(basename "$header")>" | g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -fsyntax-only -x c++ -
done

step "a foreign project with a plug-in of its own"
cmake -S "$source/tests/install/foreign" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DPython3_EXECUTABLE="$source/.venv/bin/python3" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
export OPHION_PLUGIN_PATH=$work/build/plugins
export OPHION_PYTHON=$source/.venv/bin/python3
mkdir "$work/run"
"$work/build/foreign" train "$work/run"
"$work/build/foreign" use "$work/run"
"$work/build/foreign" isolate "$work/run"
"$work/build/embedder"
"$prefix/bin/ophion" methods | grep centroid

step "the Python package of the installation"
PYTHONPATH=$prefix/lib/ophion/python "$OPHION_PYTHON" - "$prefix" <<'PYTHON'
import sys, ophion
assert ophion.__file__.startswith(sys.argv[1]) and ophion.__version__, ophion.__file__
PYTHON
[ "$(PYTHONPATH=$prefix/lib/ophion/python "$OPHION_PYTHON" -m ophion --version)" = "$("$prefix/bin/ophion" --version)" ]

step "done"
