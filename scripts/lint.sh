#!/usr/bin/env bash
# Format, ASCII, layering, static analysis: whatever is wrong is said, then the exit status is 1.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build lint
status=0
mapfile -t ours < <(git ls-files '*.cpp' '*.h')

echo "format"
clang-format --dry-run --Werror "${ours[@]}" || status=1

echo "ASCII"
if git ls-files | grep -vE '^(tests/golden/|tests/cli/cases/|tests/fuzz/seeds/|examples/)' | xargs -r grep -nIP '[^\x00-\x7F]' | head -20 | grep .; then
  echo "sources and docs are ASCII: spell these characters out" >&2
  status=1
fi

echo "layering"
python3 tests/layering/layering_test.py || status=1

echo "static analysis"
scripts/train-setup.sh
# A build of its own: clang takes no header that another compiler precompiled.
cmake --preset release -B build/lint -DENDORM_TRAIN=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >build/lint-configure.log 2>&1 ||
  { cat build/lint-configure.log; exit 1; }
python3 scripts/tidy.py build/lint || status=1
[ $status -eq 0 ] && echo "lint: nothing to say"
exit $status
