#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, and ends with ctest's summary and the figures of the process tests.
#
#   tests/run.sh            everything, soaks short: what CI runs
#   tests/run.sh --quick    the release build and its tests only
#   tests/run.sh --soak     the soaks at full length too
set -euo pipefail
cd "$(dirname "$0")/.."

soak=0 quick=0
for argument in "$@"; do
  case "$argument" in
    --soak) soak=1 ;;
    --quick) quick=1 ;;
    *) echo "usage: tests/run.sh [--quick] [--soak]" >&2; exit 2 ;;
  esac
done
export WEIR_SOAK=$soak

began=$SECONDS
stages=() stage="" stage_began=0
step() {
  [ -z "$stage" ] || stages+=("$(printf '%6d s  %s' $((SECONDS - stage_began)) "$stage")")
  stage=$1 stage_began=$SECONDS
  [ -z "$1" ] || printf '\n== %s (after %d s)\n' "$1" $((SECONDS - began))
}

step "packages"
cmake/install-packages.sh test

launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1
fi

configure() { # preset, then cmake arguments
  cmake --preset "$1" "${launcher[@]}" "${@:2}" >"build-$1.log" 2>&1 || { cat "build-$1.log"; exit 1; }
  rm -f "build-$1.log"
}

failed=0  # a failure hides no later one
step "format"
if [ "$quick" -eq 1 ]; then sources=$({ git diff --name-only --diff-filter=d HEAD; git ls-files -o --exclude-standard; } | grep -E '\.[ch]pp$' || true)
else sources=$(git ls-files '*.cpp' '*.hpp'); fi
[ -z "$sources" ] || xargs clang-format-14 --dry-run -Werror <<<"$sources" || failed=$?
step "clang-tidy"
tidy=()
[ "$quick" -eq 0 ] || tidy=(--changed)
tests/tidy/run.py "${tidy[@]}" || failed=$?

step "release build"
werror=OFF
[ -n "${CI:-}" ] && werror=ON
configure release -DWEIR_WERROR=$werror -DWEIR_BUILD_TESTS=ON -DWEIR_BUILD_BENCHMARKS=ON -DCMAKE_VERIFY_INTERFACE_HEADER_SETS=ON
cmake --build --preset release -j "$(nproc)"
step "each public header alone"
cmake --build --preset release -j "$(nproc)" --target all_verify_interface_header_sets

if [ "$quick" -eq 0 ]; then
  for sanitizer in asan tsan; do
    step "$sanitizer build"
    configure "$sanitizer" -DWEIR_BUILD_EXAMPLES=OFF
    cmake --build --preset "$sanitizer" -j "$(nproc)" --target weir_sanitized_tests
    step "$sanitizer tests"
    ctest --preset "$sanitizer" -L sanitized -j 2 --progress || failed=$?
  done
  step "fuzzing"
  tests/fuzz/run.sh $((soak ? 60 : 20)) || failed=$?
  if [ "$soak" -eq 1 ]; then
    cmake --build --preset asan -j "$(nproc)" --target weir
    for mode in "" alone; do
      step "mutated messages against a running node${mode:+ that has lost its majority}"
      unshare -n /usr/bin/python3 tests/fuzz/live.py build/asan/node/weir build/fuzz/corpus/peer_frame_fuzz 600 $mode || failed=$?
    done
  fi
fi

step "all tests of the release build"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
ctest --preset release -j 2 | tee "$said" || failed=$?
step "figures of the soak of five processes, and of how failures are detected"
grep -E '^(soak|detection): ' build/release/Testing/Temporary/LastTest.log || echo "they did not run here"
step "tests that were skipped, and why"
grep -oE ' [^ ]+ \.+\*\*\*(Skipped|Not Run)' "$said" | awk '{print $1}' | while read -r name; do
  reason=$(awk -v name="$name" '
    $2 == "Testing:" || $2 == "Test:" { inside = index($0, " " name) && substr($0, length($0) - length(name) + 1) == name }
    inside && NF && !/^-+$|^<end of output>/ { last = $0 }
    /^<end of output>/ { if (inside) print last; inside = 0 }' build/release/Testing/Temporary/LastTest.log)
  printf '%s: %s\n' "$name" "${reason:-no reason was printed}"
done | grep . || echo "none"
step "summary"
step ""
printf '%s\n' "${stages[@]}" "$(printf '%6d s  in all' $((SECONDS - began)))"
sed -n '/tests passed/,$p' "$said"
[ "$failed" -eq 0 ] || echo "A part failed (code $failed): see above."
exit "$failed"
