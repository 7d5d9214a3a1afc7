#!/usr/bin/env bash
# All that ./run test leaves out: lint; training, the Python package and the benchmarks, built beside the same release
# objects; the wheel and the .deb, installed in a bare system; builds of our own code with sanitizers (threads for what runs models; addresses and undefined behaviour) and
# 20 s of every fuzz target. Ends with ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
part() { echo "== $* (after $((SECONDS / 60)) min $((SECONDS % 60)) s)"; }

part "packages"
need_packages build test check lint
scripts/train-setup.sh
scripts/python-setup.sh

part "lint"
scripts/lint.sh

part "training and the Python package: build"
scripts/build.sh release
scripts/test-models.sh
part "training and the Python package: tests"
ctest --test-dir build/release --parallel 2 --output-on-failure --label-regex '^(train|python)$'

part "wheel"
scripts/wheel.sh
part "wheel: tests"
need_packages wheel_test
tests/wheel/wheel_test.sh "$(build/release/endorm models fetch smollm2-135m)"

part "fuzzing"
scripts/fuzz.sh 20

part "thread sanitizer"
threaded=(score_test engine_llama_test server_test)
scripts/build.sh tsan "${threaded[@]}"
TSAN_OPTIONS="suppressions=$PWD/tests/races.supp" ctest --test-dir build/tsan --output-on-failure -R "^($(IFS='|'; echo "${threaded[*]}"))\$"

part "address and undefined-behaviour sanitizers: build"
scripts/build.sh dev endorm_tests
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0"
part "address and undefined-behaviour sanitizers: tests"
# Two that take minutes here are left to the release build: tests of tiny models call the same code.
ctest --test-dir build/dev --parallel 2 --output-on-failure --label-exclude "cli|install" \
  --exclude-regex "^(judge_model_test|engine_base_model_test)$"
