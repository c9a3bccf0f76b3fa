#!/usr/bin/env bash
# setup.sh [test|bench]: installs what is missing to build and run Ophion (with "test": to test it too; with "bench": what native scoring is
# compared with, besides). Quick when all is there.
#   System packages: by apt as root or with sudo, else named in one message.
#   Python packages: into .venv, pinned by the lock files; the environment is made anew when its Python or the lock changes.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build pkg-config nlohmann-json3-dev libcli11-dev libspdlog-dev libzip-dev libssl-dev
          python3 python3-venv python3-dev)
locks=(requirements.lock)
what=${1:-}
if [ "$what" = bench ]; then
  locks+=(requirements-test.lock requirements-bench.lock)
elif [ "$what" = test ]; then
  packages+=(clang-16 libclang-rt-16-dev)
  locks+=(requirements-test.lock)
fi
if [ -n "$what" ]; then
  packages+=(libgtest-dev libgmock-dev libbenchmark-dev json-schema-test-suite gfortran abigail-tools libgsl-dev)
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  if [ -z "${OPHION_SKIP_SYSTEM_PACKAGES:-}" ]; then
    cat >&2 <<MESSAGE
Ophion's set-up knows Debian 12 and its kin (apt). On this system install, by its own package manager:
  g++ 12 or newer (C++20), CMake 3.25 or newer, Ninja, pkg-config, nlohmann-json 3.11, CLI11 2.1, spdlog 1.10, libzip 1.7, OpenSSL 3,
  Python 3.11 with its headers, shared library and venv${what:+, GoogleTest 1.12, Google Benchmark 1.7, clang++-16 with libFuzzer; gfortran, libabigail and GSL 2.7, if you can}
then run the command again with OPHION_SKIP_SYSTEM_PACKAGES=1.
MESSAGE
    exit 1
  fi
else
  missing=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" = 0 ]; then as_root=(env); elif sudo -n true 2>/dev/null; then as_root=(sudo); fi
    if [ ${#as_root[@]} = 0 ]; then
      echo "Ophion needs system packages that are missing. As root:  apt-get install ${missing[*]}" >&2
      exit 1
    fi
    echo "installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -q >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
  fi
fi

# The Python is the first in PATH; which that is may change from day to day, so the environment remembers.
python=$(command -v python3) || { echo "no python3 in PATH" >&2; exit 1; }
python_says=$("$python" -c 'import sys; print(sys.version.split()[0], sys.base_prefix)')
case "$python_says" in
  3.1[1-9].*) ;;
  *) echo "Ophion needs Python 3.11 or newer; $python is $python_says" >&2; exit 1 ;;
esac
for lock in "${locks[@]}"; do
  stamp=.venv/$lock.stamp
  want="$python_says $(sha256sum <"$lock" | cut -d' ' -f1)"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then continue; fi
  if [ "$lock" = requirements.lock ]; then
    echo "making .venv with Python $python_says" >&2
    "$python" -m venv --clear .venv
  fi
  # Python compiles a module when it is first used: most never are, and all of them at once take a minute.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: -r "$lock" >&2
  .venv/bin/python -m pip check >&2
  echo "$want" >"$stamp"
done
