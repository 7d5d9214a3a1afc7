#!/usr/bin/env bash
# Speed and memory against llama.cpp, PyTorch and the processor's ceiling: ./run bench [ROUNDS]. PyTorch is left out
# with ENDORM_BENCH_PYTORCH=0.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build
rounds=${1:-5}
threads=$(nproc)
folder=build/bench
mkdir -p "$folder"
scripts/build.sh release endorm scoring_speed row_speed
model=$(build/release/endorm models fetch smollm2-135m)

build/release/bench/row_speed
echo
build/release/bench/scoring_speed --model "$model" --type bf16 --folder "$folder" --rounds "$rounds"
if [ "${ENDORM_BENCH_PYTORCH:-1}" = 1 ]; then
  if [ ! -x "$folder/venv/bin/python" ]; then
    need_packages bench
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0 accelerate gguf
  fi
  "$folder/venv/bin/python" bench/transformers_speed.py "$folder" "$threads" 3
fi
echo
python3 bench/start_and_memory.py build/release/endorm "$folder/model-bf16.gguf"
