#!/usr/bin/env bash
# Fuzzes what reads input, SECONDS a target (default 600), as many targets at once as there are processors. New inputs
# are kept in build/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build check train
export seconds=${1:-600}
scripts/build.sh fuzz fuzz_targets

fuzz() {
  local name
  name=$(basename "$1")
  mkdir -p "build/fuzz/corpus/$name"
  if "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ \
    "build/fuzz/corpus/$name" tests/fuzz/seeds >"build/fuzz/$name.log" 2>&1; then
    echo "$name: $(tail -n 1 "build/fuzz/$name.log")"
  else
    {
      echo "$name failed:"
      tail -n 40 "build/fuzz/$name.log"
      artifact=$(sed -n 's/.*Test unit written to //p' "build/fuzz/$name.log")
      [ ! -f "$artifact" ] || { echo "the input, in base64:"; base64 "$artifact"; }
    } >&2
    return 1
  fi
}
export -f fuzz
echo "fuzzing for $seconds s a target"
printf '%s\n' build/fuzz/tests/fuzz/*_fuzz | xargs -P "$(nproc)" -I TARGET bash -c 'fuzz TARGET'
