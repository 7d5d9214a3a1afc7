#!/usr/bin/env bash
# Installs what training needs, and nothing else does: libtorch 2.13 (inside its Python package) into build/deps/torch.
# To use an installation of your own: configure with -DENDORM_TRAIN=ON -DENDORM_TORCH=/path/to/torch
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages build train
folder=build/deps/torch
version=2.13.0
if ! compgen -G "$folder/lib/python3*/site-packages/torch-$version*" >/dev/null; then
  echo "Installing libtorch $version into $folder (0.8 GB; 4.7 GB where pip finds the build with CUDA)" >&2
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "torch==$version"
fi
if [ "$(sed -n 's/^ENDORM_TRAIN:BOOL=//p' build/release/CMakeCache.txt 2>/dev/null)" != ON ]; then
  cmake --preset release -DENDORM_TRAIN=ON
fi
echo "Training is configured: ./run build builds endorm with it" >&2
