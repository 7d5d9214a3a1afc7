#!/usr/bin/env bash
# Fetches the models that tests of real ones read.
set -euo pipefail
cd "$(dirname "$0")/.."
for model in smollm2-135m gemma3-270m-base; do
  build/release/endorm models fetch "$model" >/dev/null
done
