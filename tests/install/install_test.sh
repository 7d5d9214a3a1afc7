#!/usr/bin/env bash
# Installs the build into a fresh place, moves that place, and builds examples/cpp against it with find_package(endorm):
#   install_test.sh SOURCE BUILD GENERATOR [MODEL]
# With the model there, the example also has to rank Paris above Rome.
set -euo pipefail
source=$1 build=$2 generator=$3 model=${4:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/first" >"$scratch/log"
mv "$scratch/first" "$scratch/moved"

# Every public header compiles on its own.
while read -r header; do
  echo "#include \"$header\"" >"$scratch/alone.cpp"
  c++ -std=c++20 -fsyntax-only -I "$scratch/moved/include/endorm" "$scratch/alone.cpp"
done < <(cd "$scratch/moved/include/endorm" && find . -name '*.h')

cmake -S "$source/examples/cpp" -B "$scratch/example" -G "$generator" -DCMAKE_PREFIX_PATH="$scratch/moved" >>"$scratch/log"
cmake --build "$scratch/example" >>"$scratch/log" || { cat "$scratch/log"; exit 1; }
"$scratch/moved/bin/endorm" --version
if [ ! -f "$model" ]; then
  echo "SKIPPED: the example was built but not run, $model is not there"
  exit 0
fi
"$scratch/example/endorm_example" "$model" | tee "$scratch/out"
python3 - "$scratch/out" <<'PYTHON'
import sys
paris, rome = (float(line.split()[0]) for line in open(sys.argv[1]))
sys.exit(0 if 0 > paris > rome else f"the example ranks Rome ({rome}) above Paris ({paris})")
PYTHON
