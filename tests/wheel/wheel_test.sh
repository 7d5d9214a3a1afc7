#!/usr/bin/env bash
# Tests what scripts/wheel.sh made as those who install it will: in a clean virtual environment; then in a bare system of this
# machine's release of Debian or Ubuntu, without a compiler, without a network and as a user who may write nothing of it; and
# the .deb there.
#   wheel_test.sh MODEL [PYTHON...]
set -euo pipefail
cd "$(dirname "$0")/../.."
model=$(realpath "$1")
shift
wheel=$(echo "$PWD"/dist/endorm-*.whl)
deb=$(echo "$PWD"/dist/endorm_*.deb)
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
export PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1

for python in "${@:-python3}"; do
  place="$scratch/a place"
  "$python" -m venv --clear "$place"
  "$place/bin/python" -m pip install "$wheel"
  (cd / && "$place/bin/python" "$OLDPWD/tests/wheel/as_a_user.py" "$model" "$OLDPWD/examples/demo.jsonl")
  "$place/bin/python" -m pip uninstall --yes endorm
  if find "$place" -name "endorm*" | grep .; then
    echo "wheel_test: pip uninstall left these behind" >&2
    exit 1
  fi
done

if [ "$(id -u)" -ne 0 ] || ! command -v mmdebstrap >/dev/null; then
  echo "wheel_test: SKIPPED in a bare system: that needs root and mmdebstrap"
  exit 0
fi
root=$scratch/root
mapfile -t sources < <(find /etc/apt/ -path "/etc/apt/sources.list*" -type f -size +0 "(" -name "*.list" -o -name "*.sources" ")")
mmdebstrap --quiet --variant=minbase --include=python3-venv "" "$root" "${sources[@]}"
cp -r "$wheel" "$deb" "$model" examples/demo.jsonl tests/wheel/as_a_user.py "$root/opt"
chmod -R a+rX "$root/opt"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# bare ROOT COMMAND..., with what chroot takes before ROOT
bare() { unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$@"' "$root" "$@"; }
python=$(bare "$root" python3 -c "import sys; print('%d.%d' % sys.version_info[:2])")
pip download --only-binary :all: --python-version "$python" --dest "$root/opt/wheels" "$wheel"
bare "$root" python3 -m venv /opt/environment
bare "$root" /opt/environment/bin/python -m pip install --no-index --find-links /opt/wheels endorm
if bare "$root" sh -c "command -v cc || command -v gcc"; then
  echo "wheel_test: the bare system has a compiler" >&2
  exit 1
fi
as_user=(--userspec=65534:65534 "$root" env -i HOME=/tmp TMPDIR=/tmp)
bare "${as_user[@]}" /opt/environment/bin/python /opt/as_a_user.py "/opt/${model##*/}" /opt/demo.jsonl

bare "$root" sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends /opt/*.deb" >"$scratch/apt.log" 2>&1 ||
  { cat "$scratch/apt.log"; exit 1; }
bare "${as_user[@]}" endorm --version
bare "${as_user[@]}" endorm score /opt/demo.jsonl --limit 2 --model "/opt/${model##*/}" -o /tmp/scored.jsonl
bare "$root" sh -c "test -s /lib/systemd/system/endorm.service && apt-get purge -y -qq endorm && ! command -v endorm" >/dev/null
echo "wheel_test: ${wheel##*/} and ${deb##*/} in a bare $(. /etc/os-release && echo "$PRETTY_NAME")"
