# Sourced: need_packages GROUP... installs the system packages of the groups that are missing, or says how.
# shellcheck shell=bash

packages_of() {
  case "$1" in
    build) echo g++ ccache cmake ninja-build python3 python3-pip ca-certificates libssl-dev libsqlite3-dev libcli11-dev libdnnl-dev libboost-dev libtomlplusplus-dev ;;
    test) echo doctest-dev ;;
    check) echo clang llvm git ;;
    bench) echo python3-venv ;;
    train) echo python3-venv ;;
    python) echo python3-venv python3-dev ;;
    package) echo dpkg-dev file ;;
    wheel_test) echo mmdebstrap ;;
    lint) echo clang-format clang-tidy git libomp-dev ;;
  esac
}

need_packages() {
  local wanted=() missing=() group package
  for group in "$@"; do
    # shellcheck disable=SC2207
    wanted+=($(packages_of "$group"))
  done
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu. Install what these packages hold there, and call cmake --preset release yourself:" >&2
    echo "  ${wanted[*]}" >&2
    return 0
  fi
  for package in "${wanted[@]}"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  # The sanitizer and fuzzer runtimes are packaged by the compiler's version.
  if [[ " ${wanted[*]} " == *" clang "* ]] && command -v clang >/dev/null; then
    package="libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ] && apt-cache show "$package" >/dev/null 2>&1; then
      missing+=("$package")
    fi
  fi
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "System packages are missing. Install them, then run the same command again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing system packages: ${missing[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  need_packages "$@"  # what was installed may name more
}
