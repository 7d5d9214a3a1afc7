#!/usr/bin/env bash
# Speed and memory against llama.cpp, transformers and the processor's ceiling; ./run bench --help lists the flags.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build bench
scripts/build.sh release endorm bench_programs
folder=build/bench
python=$folder/venv/bin/python
mkdir -p "$folder"
[ -x "$python" ] || python3 -m venv "$folder/venv"
if ! "$python" -c 'import accelerate, gguf, matplotlib, torch, transformers' 2>/dev/null; then
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 transformers==5.23.0 accelerate gguf matplotlib >&2
fi
exec "$python" bench/speed.py "$@"
