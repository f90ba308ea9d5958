#!/usr/bin/env bash
# Proves both ways of using weir from another project: find_package after install, and add_subdirectory.
#
#   run.sh installed <build dir of weir>     installs that build into a prefix of its own, builds against it;
#                                            the program of README.md is one of two
#   run.sh subdirectory <source dir>         builds the engine part of the source tree as a subproject
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

case "$1" in
  installed)
    cmake --install "$2" --prefix "$work/prefix" >/dev/null
    sed -n '/^```cpp$/,/^```$/{/^```/d;p}' "$here/../../README.md" >"$work/readme.cpp"
    cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DREADME_CODE="$work/readme.cpp" \
      "${launcher[@]}" >/dev/null
    cmake --build "$work/build" -j 2
    "$work/build/embedded"
    [ "$("$work/build/readme")" = "user 42" ] || { echo "the program of README.md does not print user 42" >&2; exit 1; }
    "$work/prefix/bin/weir" version
    ;;
  subdirectory)
    cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 \
      -DWEIR_SOURCE_DIR="$2" "${launcher[@]}" >/dev/null
    cmake --build "$work/build" -j 2 --target embedded
    "$work/build/embedded"
    ;;
  *) echo "usage: $0 installed BUILD_DIR | subdirectory SOURCE_DIR" >&2; exit 2 ;;
esac
