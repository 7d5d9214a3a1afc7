#!/usr/bin/env bash
# Installs what building and testing the Python package in the tree needs into build/deps/python, and configures the release
# build with it. Users need none of this: `pip install .` brings its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
. scripts/python-tools.sh
need_packages build
python_tools pyarrow pytest
if [ "$(sed -n 's/^ENDORM_PYTHON:BOOL=//p' build/release/CMakeCache.txt 2>/dev/null)" != ON ]; then
  cmake --preset release -DENDORM_PYTHON=ON "-DPython_EXECUTABLE=$PWD/build/deps/python/bin/python"
fi
