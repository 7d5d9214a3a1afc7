#!/usr/bin/env bash
# Writes the pages under docs/commands anew from each subcommand's --help.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release endorm
python3 tests/cli/command_pages.py --write --endorm build/release/endorm
