#!/bin/sh
# Installs what building Gradus needs and this machine lacks; does nothing, and needs no network, when all is there.
#   usage: sh tasks/install_packages.sh [MORE_PACKAGES...]
set -eu

# Whether a package, or what we want from it, is there: as a package, a program, or a library pkg-config knows.
is_there() {
  case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in *' installed') return 0 ;; esac
  case $1 in
    ninja-build) command -v ninja ;;
    g++ | meson | pkg-config | cmake | clang-format) command -v "$1" ;;
    libfmt-dev) pkg-config --exists fmt ;;
    libyaml-cpp-dev) pkg-config --exists yaml-cpp ;;
    nlohmann-json3-dev) pkg-config --exists nlohmann_json ;;
    libutf8proc-dev) pkg-config --exists libutf8proc ;;
    libsqlite3-dev) pkg-config --exists sqlite3 ;;
    libpugixml-dev) pkg-config --exists pugixml ;;
    libcsv-dev) [ -f /usr/include/csv.h ] || [ -f /usr/local/include/csv.h ] ;;
    zlib1g-dev) pkg-config --exists zlib ;;
    libcli11-dev) pkg-config --exists CLI11 ;;
    libcpp-httplib-dev) pkg-config --exists cpp-httplib ;;
    libonnxruntime-dev) pkg-config --exists libonnxruntime ;;
    *) false ;;
  esac >/dev/null 2>&1
}

# The OpenCL package is there because libdnnl-dev's CMake file refuses to load without it.
missing=
for package in g++ meson ninja-build pkg-config cmake libdnnl-dev ocl-icd-opencl-dev libfmt-dev doctest-dev libcli11-dev \
  libyaml-cpp-dev nlohmann-json3-dev libutf8proc-dev libsqlite3-dev libpugixml-dev libcsv-dev zlib1g-dev libcpp-httplib-dev "$@"; do
  is_there "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "error: these Debian packages, or the same from elsewhere, are needed:$missing" >&2
  exit 2
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "error: installing needs root; run this as root:  apt-get install$missing" >&2
    exit 2
  fi
  as_root=sudo
fi
echo "installing:$missing"
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null; }
# An out-of-date list of packages is no reason to stop: the installation will tell.
apt update || echo "warning: apt-get update failed" >&2
# shellcheck disable=SC2086  # the names are words
if ! apt install -y --no-install-recommends $missing; then
  echo "error: apt-get could not install:$missing" >&2
  exit 2
fi
