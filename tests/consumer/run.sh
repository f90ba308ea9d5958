#!/usr/bin/env bash
# Proves the ways of using weir from another project.
#
#   run.sh installed <build dir of weir>     installs that build into a prefix of its own and builds against it, with
#                                            CMake and with pkg-config; the program of README.md is one of two
#   run.sh subdirectory <source dir>         builds the engine part of the source tree as a subproject
#   run.sh shared <source dir> <build dir>   the same as installed with shared libraries, which it builds first, with
#                                            the settings of that build
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# The engine needs none of these.
without=()
for each in OpenSSL yaml-cpp SQLite3 PostgreSQL boost_json CLI11; do without+=("-DCMAKE_DISABLE_FIND_PACKAGE_$each=ON"); done

fail() { echo "consumer: $*" >&2; exit 1; }

configure() {  # <build dir> <options ...>
  local to=$1
  shift
  cmake -S "$here" -B "$to" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" "${launcher[@]}" "$@" >"$to.log" 2>&1
}

# What is installed builds and runs a program of each kind.
use_installed() {
  sed -n '/^```cpp$/,/^```$/{/^```/d;p}' "$here/../../README.md" >"$work/readme.cpp"
  configure "$work/build" -DREADME_CODE="$work/readme.cpp" || { cat "$work/build.log" >&2; fail "does not configure"; }
  cmake --build "$work/build" -j 2
  "$work/build/embedded"
  [ "$("$work/build/readme")" = "user 42" ] || fail "the program of README.md does not print user 42"
  "$work/prefix/bin/weir" version
}

use_parts() {
  configure "$work/engine" -DPARTS=engine "${without[@]}" || { cat "$work/engine.log" >&2; fail "engine alone"; }
  ! configure "$work/nosuch" "-DPARTS=engine;nosuchpart" || fail "a component that does not exist is found"
  tr -s '\n ' ' ' <"$work/nosuch.log" | grep -q 'weir has no component "nosuchpart"' ||
    { cat "$work/nosuch.log" >&2; fail "the component that does not exist is not named"; }
}

use_pkg_config() {
  export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
  local each flags
  for each in engine transport discovery keyspaces config node; do pkg-config --exists --print-errors "weir-$each"; done
  pkg-config --libs weir | grep -q -- '-lweir_node .*-lweir_engine' || fail "weir.pc does not name every library"
  read -ra flags <<<"$(pkg-config --cflags --libs weir-engine)"
  g++ -std=c++20 -O0 "$here/embedded.cpp" "${flags[@]}" -Wl,-rpath,"$work/prefix/lib" -o "$work/by-pkg-config"
  "$work/by-pkg-config"
  ! g++ -std=c++20 -O0 -D_GLIBCXX_DEBUG "$here/embedded.cpp" "${flags[@]}" -o "$work/debug" 2>"$work/debug.log" ||
    fail "a program with another layout of the standard containers links"
  grep -q 'library_was_built_with_GLIBCXX_DEBUG' "$work/debug.log" || fail "the linker does not say why it refuses"
}

have_files() {
  local each
  for each in share/doc/weir/LICENSE share/doc/weir/README.md share/doc/weir/embedding.md share/weir/weir.schema.json \
    share/weir/samples/full.yaml lib/systemd/system/weir.service; do
    [ -s "$work/prefix/$each" ] || fail "$each is not installed"
  done
}

case "$1" in
  installed)
    cmake --install "$2" --prefix "$work/prefix" >/dev/null
    have_files
    use_installed
    use_parts
    use_pkg_config
    ;;
  subdirectory)
    configure "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_UNITY_BUILD=ON \
      -DWEIR_SOURCE_DIR="$2" || { cat "$work/build.log" >&2; fail "does not configure"; }
    ! grep -q 'weir_[a-z]*\.dir/Unity' "$work/build/build.ninja" || fail "files of weir are joined into one"
    cmake --build "$work/build" -j 2 --target embedded
    "$work/build/embedded"
    configure "$work/alone" -DWEIR_ENGINE_ONLY=ON -DWEIR_SOURCE_DIR="$2" "${without[@]}" ||
      { cat "$work/alone.log" >&2; fail "WEIR_ENGINE_ONLY needs more than the engine does"; }
    ;;
  shared)
    settings=()
    while IFS= read -r line; do settings+=("-D$line"); done < <(
      grep -E '^(CMAKE_BUILD_TYPE|CMAKE_CXX_FLAGS_[A-Z]+|CMAKE_CXX_COMPILER_LAUNCHER|WEIR_WERROR|WEIR_WITH_(SQLITE|POSTGRES)):' "$3/CMakeCache.txt")
    # Beside the other build, so that a compiler cache knows every file from there.
    shared=$(dirname "$3")/shared
    cmake -S "$2" -B "$shared" -G Ninja "${settings[@]}" -DBUILD_SHARED_LIBS=ON -DWEIR_BUILD_TESTS=OFF \
      -DWEIR_BUILD_EXAMPLES=OFF -DWEIR_BUILD_BENCHMARKS=OFF >/dev/null
    cmake --build "$shared" -j 2
    cmake --install "$shared" --prefix "$work/prefix" >/dev/null
    readelf -d "$work/prefix/lib/libweir_engine.so" | grep -q 'SONAME.*\[libweir_engine.so.0.1\]' ||
      fail "libweir_engine.so names no version"
    ! nm -DC --defined-only "$work/prefix/lib/libweir_engine.so" | grep -q 'weir::keyspace_core::' ||
      fail "libweir_engine.so shows what no public header declares"
    use_installed
    use_parts
    use_pkg_config
    ;;
  *) echo "usage: $0 installed BUILD_DIR | subdirectory SOURCE_DIR | shared SOURCE_DIR BUILD_DIR" >&2; exit 2 ;;
esac
