#!/usr/bin/env bash
# Scores examples/demo.jsonl with the default model, prints a table, writes an HTML report.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release endorm
endorm=build/release/endorm
mkdir -p build/demo
"$endorm" score examples/demo.jsonl -o build/demo/scored.jsonl --overwrite --tokens --steps
"$endorm" report build/demo/scored.jsonl -o build/demo/report.html --table
