#!/usr/bin/env bash
# Builds every fuzz target with clang and runs each for the given seconds (60).
# A finding is left as tests/fuzz/found/<target>-crash-<hash>, and the script fails.
#
#   tests/fuzz/run.sh [SECONDS]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${WEIR_FUZZ_BUILD:-$here/../../build/fuzz}
seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/fuzz/run.sh [SECONDS]" >&2; exit 2; }

launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="${CLANG:-clang++-14}" "${launcher[@]}" >/dev/null
cmake --build "$build" -j 2

mkdir -p "$here/found"
for target in "$build"/*_fuzz; do
  name=$(basename "$target")
  corpus=$build/corpus/$name
  mkdir -p "$corpus"
  seeds=${target%_fuzz}_seeds
  [ -x "$seeds" ] && "$seeds" "$corpus"
  known=()
  [ -d "$here/corpus/$name" ] && known=("$here/corpus/$name")
  echo "$name: $seconds s"
  if ! "$target" -max_total_time="$seconds" -max_len=70000 -len_control=20 -timeout=10 -rss_limit_mb=2048 \
      -print_final_stats=1 -verbosity=0 -artifact_prefix="$here/found/$name-" "$corpus" "${known[@]}" \
      >"$build/$name.log" 2>&1; then
    cat "$build/$name.log" >&2
    echo "$name: failed, the input is in tests/fuzz/found" >&2
    exit 1
  fi
  grep -E "number_of_executed_units|new_units_added" "$build/$name.log"
done
rmdir "$here/found" 2>/dev/null || { echo "findings in tests/fuzz/found" >&2; exit 1; }
