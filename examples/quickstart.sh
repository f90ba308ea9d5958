#!/usr/bin/env bash
# From a fresh Debian 12 to three nodes that read through a database, a web server and a folder.
#
# Installs what is missing, builds, and starts three nodes on loopback over all packages that apt knows (SQLite), this
# machine's licence texts (nginx) and this repository's documents (a folder). Reads tens of thousands of packages through
# all three, kills a node while reads run, starts it again, changes a row and invalidates it, and prints what happened.
# Exit 0 when every step did what it should.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
began=$SECONDS
say() { printf '%5d s  %s\n' $((SECONDS - began)) "$1"; }
fail() { printf 'quickstart: %s\n' "$1" >&2; exit 1; }
. examples/quickstart/data.sh
. examples/quickstart/readers.sh

say "installing what is missing"
cmake/install-packages.sh build

say "building (the first time takes some minutes)"
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
if [ ! -e build/release/build.ninja ]; then
  tests=ON
  [ -e /usr/include/gtest/gtest.h ] || tests=OFF
  benchmarks=ON
  [ -e /usr/include/benchmark/benchmark.h ] || benchmarks=OFF
  cmake --preset release -DWEIR_BUILD_TESTS=$tests -DWEIR_BUILD_BENCHMARKS=$benchmarks "${launcher[@]}" >/dev/null
fi
NINJA_STATUS='         [%f of %t, %p] ' cmake --build --preset release -j "$(nproc)" --target weir
weir=$repository/build/release/node/weir

work=$(mktemp -d)
declare -A node_pid=()
nginx_pid=
finish() {
  local status=$? pid
  trap - EXIT
  for pid in "${node_pid[@]}" $nginx_pid; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Seven free ports in a row: three nodes with a peer and an HTTP port each, and the origin.
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for ((base = 17420; base < 30000; base += 10)); do
  for ((port = base; port < base + 7; ++port)); do is_free "$port" || continue 2; done
  break
done
origin=$((base + 6))

make_database
start_origin
packages=$(wc -l <"$work/names")
say "data: $packages packages in SQLite, licence texts behind nginx, documents in a folder"

cat >"$work/weir.yaml" <<CONF
cluster: quickstart
listen: {peer: {address: "127.0.0.1:$base"}}
discovery:
  static: {peers: ["n1=127.0.0.1:$base", "n2=127.0.0.1:$((base + 2))", "n3=127.0.0.1:$((base + 4))"]}
keyspaces:
  - name: packages
    source: {type: sqlite, path: $work/packages.db, query: "SELECT json FROM packages WHERE name = ?1"}
  - name: licenses
    source: {type: http, url: "http://127.0.0.1:$origin/{key}"}
  - name: docs
    source: {type: file, root: $repository/docs}
CONF
"$weir" config check "$work/weir.yaml" >/dev/null

node() { printf 'http://127.0.0.1:%d' $((base + 2 * ($1 - 1) + 1)); }
start_node() { # number
  "$weir" serve -c "$work/weir.yaml" --set "node.id=n$1" --set "listen.peer.address=127.0.0.1:$((base + 2 * ($1 - 1)))" \
    --set "listen.http.address=127.0.0.1:$((base + 2 * ($1 - 1) + 1))" >>"$work/n$1.log" 2>&1 &
  node_pid[$1]=$!
}
# A node that has joined reaches all three and has a lease: before that it reads, but keeps nothing.
is_joined() {
  local members
  members=$("$weir" members --server "$(node "$1")" -o json 2>/dev/null) || return 1
  [ "$(grep -o '"reachable"' <<<"$members" | wc -l)" -eq 3 ] && grep -q '"lease":{"valid":true' <<<"$members"
}
wait_until_joined() {
  local tries
  for ((tries = 0; tries < 100; ++tries)); do
    is_joined 1 && is_joined 2 && is_joined 3 && return
    sleep 0.1
  done
  cat "$work"/n?.log >&2
  fail "the nodes did not find each other within 10 s; their logs are above"
}

say "three nodes"
for i in 1 2 3; do start_node $i; done
wait_until_joined
"$weir" ring --server "$(node 1)"

say "all licences and documents through every node, and 1,000 packages in one request"
mapfile -t licenses < <(cd "$work/licenses" && find . -maxdepth 1 -type f -printf '%P\n' | sort)
mapfile -t documents < <(cd docs && find . -name '*.md' -printf '%P\n' | sort)
mapfile -t thousand < <(awk -v n="$packages" 'NR % int(n / 1000) == 0' "$work/names" | head -1000)
for i in 1 2 3; do
  "$weir" mget licenses "${licenses[@]}" --server "$(node $i)" >/dev/null
  "$weir" mget docs "${documents[@]}" --server "$(node $i)" >/dev/null
  "$weir" mget packages "${thousand[@]}" --server "$(node $i)" >/dev/null
done
"$weir" get docs architecture.md --server "$(node 3)" | cmp - docs/architecture.md || fail "node 3 returned other bytes than docs/architecture.md"
"$weir" get licenses Apache-2.0 --server "$(node 2)" | cmp - /usr/share/common-licenses/Apache-2.0 || fail "node 2 returned other bytes than the licence"
loads_at_origin=$(wc -l <"$work/nginx/access.log")

say "one get explained"
"$weir" get packages "${thousand[7]}" --explain --server "$(node 1)"

# What a node counted: the counters of one that will be killed are taken before.
counters() { curl -sf -m 5 "$(node "$1")/metrics" >"$work/metrics.$2" || fail "n$1 does not answer on $(node "$1")/metrics"; }
each=15000
half_way() { :; }
say "$((3 * each)) reads of random packages, a third through each node"
readers=()
for i in 1 2 3; do start_reader $i $each 1; readers+=($reader_pid); done
watch_reads 0 $((3 * each)) "${readers[@]}"
"$weir" stats --server "$(node 1)"
kept() { "$weir" stats packages --server "$(node "$1")" -o json | grep -o '"entries":[0-9]*' | head -1 | cut -d: -f2; }
declare -a keys
for i in 1 2 3; do keys[$i]=$(kept $i); done

half_way() {
  counters 3 n3-killed
  disown "${node_pid[3]}"
  kill -9 "${node_pid[3]}"
  [ -t 1 ] && printf '\n'
  say "n3 killed while reads run"
}
say "$((2 * each)) reads through n1 and n2, and n3 is killed at half of the way"
readers=()
for i in 1 2; do start_reader $i $each 2; readers+=($reader_pid); done
watch_reads $((3 * each)) $((2 * each)) "${readers[@]}"

say "n3 comes back; one row is changed and invalidated at n1"
start_node 3
wait_until_joined
changed=${thousand[0]}
for i in 1 2 3; do "$weir" get packages "$changed" --server "$(node $i)" >/dev/null; done
sqlite3 "$work/packages.db" "UPDATE packages SET json = json_set(json, '\$.title', 'changed by the quickstart') WHERE name = '$changed'"
"$weir" invalidate packages "$changed" --server "$(node 1)"
for i in 1 2 3; do
  seen=$("$weir" get packages "$changed" --server "$(node $i)")
  [[ $seen == *"changed by the quickstart"* ]] || fail "n$i still serves the old row: $seen"
  printf '         n%d  %s\n' $i "$seen"
done

for i in 1 2 3; do counters $i n$i; done
read -r p50 p99 longest failed < <(latencies "$work"/reads.?.1)
read -r p50_kill p99_kill longest_kill failed_kill < <(latencies "$work"/reads.?.2)
say "summary"
. examples/quickstart/summary.sh
