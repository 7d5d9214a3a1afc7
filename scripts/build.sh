#!/usr/bin/env bash
# Builds build/release/endorm; with a preset's name, that preset: scripts/build.sh [PRESET [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build
preset=${1:-release}
shift || true
if [ ! -f "build/$preset/build.ninja" ]; then
  cmake --preset "$preset"
fi
cmake --build "build/$preset" ${1:+--target "$@"}
