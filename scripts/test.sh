#!/usr/bin/env bash
# The tests of the release build, without those of training and of the Python package, whose dependencies nobody needs who
# only scores. Ends with ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build test
scripts/build.sh release endorm endorm_tests
scripts/test-models.sh
ctest --test-dir build/release --parallel 2 --output-on-failure --label-exclude '^(train|python)$'
