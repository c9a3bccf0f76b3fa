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

step "public headers compile without Python's, NumPy's or a JSON library's headers"
compile() {  # HEADER...
  printf '#include <ophion/%s>\n' "${@##*/}" |
    g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -fsyntax-only -MD -MF "$work/deps" -x c++ -
  [ -s "$work/deps" ]
  if grep -E 'Python\.h|numpy/|nlohmann' "$work/deps"; then echo "$* pulls that in"; exit 1; fi
}
compile "$prefix"/include/ophion/*.h
if [ "${OPHION_SLOW_TESTS:-}" = 1 ]; then  # each takes a second
  step "each of them compiles alone"
  for header in "$prefix"/include/ophion/*.h; do compile "$header"; done
fi

step "a foreign project with plug-ins of its own"
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
"$prefix/bin/ophion" methods | grep 'features *mirror *2.3: mirrored (b)'
"$prefix/bin/ophion" inspect "$work/run/c.ophion" | grep 'plug-in *mirror 2.3: mirrored (b)'
readelf -d "$work/build/plugins/mirror_features.so" | grep -E 'NEEDED.*(pymethods|python)' && { echo "a plug-in of features needs Python"; exit 1; }

step "a foreign project in C, by CMake and by pkg-config"
cmake -S "$source/tests/install/foreign_c" -B "$work/build_c" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >"$work/configure_c.log" ||
  { cat "$work/configure_c.log"; exit 1; }
cmake --build "$work/build_c" >"$work/build_c.log" || { cat "$work/build_c.log"; exit 1; }
"$work/build_c/foreign_c" "$work/run/c.ophion"
pkg_config_file=$(find "$prefix" -name ophion_c.pc)
read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$pkg_config_file") pkg-config --cflags --libs ophion_c)
gcc -std=c99 -Wall -Wextra -pedantic -Werror "$source/tests/install/foreign_c/main.c" -o "$work/by_pkg_config" "${flags[@]}"
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libophion_c.so)") "$work/by_pkg_config" "$work/run/c.ophion"

step "the Python package of the installation"
PYTHONPATH=$prefix/lib/ophion/python "$OPHION_PYTHON" - "$prefix" <<'PYTHON'
import sys, ophion
assert ophion.__file__.startswith(sys.argv[1]) and ophion.__version__, ophion.__file__
PYTHON
[ "$(PYTHONPATH=$prefix/lib/ophion/python "$OPHION_PYTHON" -m ophion --version)" = "$("$prefix/bin/ophion" --version)" ]

step "a Python package's method"
cp -r "$source/examples/python_method" "$work/python_method"
"$OPHION_PYTHON" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --target "$work/site" "$work/python_method"
PYTHONPATH=$work/site "$prefix/bin/ophion" methods | grep 'method *naive_bayes *ophion-naive-bayes 1.0: Gaussian'
"$prefix/bin/ophion" methods | grep naive_bayes && { echo "a method of a package that is not installed"; exit 1; }

step "done"
