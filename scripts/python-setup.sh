#!/usr/bin/env bash
# Installs what building and testing the Python package in the tree needs (nanobind, NumPy, pyarrow, pytest, scikit-build-core) into build/deps/python,
# and configures the release build with it. Users need none of this: `pip install .` brings its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build python
folder=build/deps/python
if ! "$folder/bin/python" -c "import nanobind, numpy, pyarrow, pytest, scikit_build_core" 2>/dev/null; then
  echo "Installing nanobind, NumPy, pyarrow, pytest and scikit-build-core into $folder" >&2
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "nanobind>=3.1" "numpy>=1.26" "typing-extensions>=4.6" pyarrow pytest "scikit-build-core>=1.1"
fi
if [ "$(sed -n 's/^ENDORM_PYTHON:BOOL=//p' build/release/CMakeCache.txt 2>/dev/null)" != ON ]; then
  cmake --preset release -DENDORM_PYTHON=ON "-DPython_EXECUTABLE=$PWD/$folder/bin/python"
fi
