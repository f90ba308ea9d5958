#!/usr/bin/env bash
# Builds and runs every benchmark, each beside its peers in the same run: tables, or --json FILE for JSON too.
#
#   benchmarks/run.sh [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { echo "usage: benchmarks/run.sh [--json FILE]" >&2; exit 2; }
json=
if [ $# -gt 0 ]; then
  [ "$1" = --json ] && [ $# -eq 2 ] || usage
  json=$2
fi

cmake/install-packages.sh test
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
[ -e build/release/build.ninja ] || cmake --preset release "${launcher[@]}" >/dev/null
targets=(weir hit_bench remote_get_bench near_bench peer_bench http_bench door_bench ring_bench start_bench)
cmake --build --preset release -j "$(nproc)" --target "${targets[@]}"
bench=build/release/benchmarks

printf '\nweir %s, %s, %s cores, Linux %s\n' "$(git rev-parse --short HEAD 2>/dev/null || echo '?')" \
  "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs)" "$(nproc)" "$(uname -r)"
run() { # title, name in the JSON, command
  printf '\n== %s\n' "$1"
  "${@:3}"
  if [ -n "$json" ]; then
    printf '%s"%s": ' "$separator" "$2" >>"$json"
    "${@:3}" --json >>"$json"
    separator=,
  fi
}
separator=
if [ -n "$json" ]; then printf '{' >"$json"; fi
run "local hit" local_hit $bench/hit_bench
run "remote get, whole path" remote_get $bench/remote_get_bench
run "near copies and invalidation, three nodes" near $bench/near_bench
run "peer link alone" peer_link $bench/peer_bench
run "HTTP server core beside a bare Beast responder" http_core $bench/http_bench
run "HTTP GET of a hit beside a bare Beast responder" http_hit $bench/door_bench
run "start and size" start $bench/start_bench build/release/node/weir
if [ -n "$json" ]; then printf '}\n' >>"$json"; fi
printf '\n== ring\n'
$bench/ring_bench
