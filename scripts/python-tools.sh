# Sourced: python_tools PACKAGE... has build/deps/python be a virtual environment with what building the Python package needs
# (nanobind, NumPy, scikit-build-core) and with these packages.
# shellcheck shell=bash

python_tools() {
  local folder=build/deps/python wanted=("nanobind>=3.1" "nanobind-backend>=1.0" "numpy>=1.26" "scikit-build-core>=1.1" "typing-extensions>=4.6" "$@")
  need_packages python
  if [ ! -x "$folder/bin/pip" ]; then
    python3 -m venv "$folder"
  fi
  if ! "$folder/bin/pip" install --quiet --disable-pip-version-check --no-index "${wanted[@]}" 2>/dev/null; then
    echo "Installing ${wanted[*]} into $folder" >&2
    "$folder/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}"
  fi
}
