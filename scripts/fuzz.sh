#!/usr/bin/env bash
# Fuzzes what reads input, SECONDS a target (default 600). New inputs are kept in build/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build test train
seconds=${1:-600}
scripts/build.sh fuzz fuzz_targets
for target in build/fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  mkdir -p "build/fuzz/corpus/$name"
  echo "fuzzing $name for $seconds s"
  if ! "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ \
    "build/fuzz/corpus/$name" tests/fuzz/seeds >"build/fuzz/$name.log" 2>&1; then
    tail -n 40 "build/fuzz/$name.log" >&2
    exit 1
  fi
  tail -n 1 "build/fuzz/$name.log"
done
