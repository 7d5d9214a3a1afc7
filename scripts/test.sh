#!/usr/bin/env bash
# Every test: sanitizer builds of our own code (addresses and undefined behaviour; threads for what runs models), a minute
# of fuzzing, then the release build with training and the Python package. Ends with ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build test
scripts/train-setup.sh
scripts/python-setup.sh
scripts/build.sh release
for model in smollm2-135m gemma3-270m-base; do
  build/release/endorm models fetch "$model" >/dev/null
done
scripts/build.sh dev endorm_tests
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0"
ctest --test-dir build/dev --parallel 2 --output-on-failure --label-exclude "cli|install"
threaded=(score_test engine_llama_test server_test)
scripts/build.sh tsan "${threaded[@]}"
ctest --test-dir build/tsan --output-on-failure -R "^($(IFS='|'; echo "${threaded[*]}"))\$"
scripts/fuzz.sh 20
ctest --test-dir build/release --parallel 2 --output-on-failure
