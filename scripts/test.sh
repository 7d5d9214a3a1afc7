#!/usr/bin/env bash
# Every test: sanitizer builds of our own code (addresses and undefined behaviour; threads for what runs models), 20 s of
# every fuzz target, then the release build with training and the Python package. Ends with ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
part() { echo "== $* (after $((SECONDS / 60)) min $((SECONDS % 60)) s)"; }

part "packages"
need_packages build test
scripts/train-setup.sh
scripts/python-setup.sh

part "release build"
scripts/build.sh release
for model in smollm2-135m gemma3-270m-base; do
  build/release/endorm models fetch "$model" >/dev/null
done

part "address and undefined-behaviour sanitizers: build"
scripts/build.sh dev endorm_tests
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0"
part "address and undefined-behaviour sanitizers: tests"
# Two that take minutes here are left to the release build: tests of tiny models call the same code.
ctest --test-dir build/dev --parallel 2 --output-on-failure --label-exclude "cli|install" \
  --exclude-regex "^(judge_model_test|engine_base_model_test)$"

part "thread sanitizer"
threaded=(score_test engine_llama_test server_test)
scripts/build.sh tsan "${threaded[@]}"
ctest --test-dir build/tsan --output-on-failure -R "^($(IFS='|'; echo "${threaded[*]}"))\$"

part "fuzzing"
scripts/fuzz.sh 20

part "release build: tests"
ctest --test-dir build/release --parallel 2 --output-on-failure
