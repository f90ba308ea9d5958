#!/usr/bin/env bash
# From a fresh Debian 12 to three nodes that read through a database, a web server and a folder.
#
# Installs what is missing, builds, starts three nodes on loopback over this machine's own package list
# (SQLite), its licence texts (nginx) and this repository's documents (a folder), reads through all of
# them, kills a node, and prints what happened. Exit 0 when every step did what it should.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
began=$SECONDS
say() { printf '%5d s  %s\n' $((SECONDS - began)) "$1"; }
fail() { printf 'quickstart: %s\n' "$1" >&2; exit 1; }

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
cmake --build --preset release -j "$(nproc)" --target weir
weir=$repository/build/release/node/weir

work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# Seven free ports in a row: three nodes with a peer and an HTTP port each, and the origin.
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for ((base = 17420; base < 30000; base += 10)); do
  for ((port = base; port < base + 7; ++port)); do is_free "$port" || continue 2; done
  break
done
origin=$((base + 6))

say "data: $(dpkg-query -W | wc -l) packages into SQLite, licence texts behind nginx, documents in a folder"
dpkg-query -W -f='${Package}\t${Version}\t${Installed-Size}\n' |
  awk -F'\t' -v q="'" 'BEGIN { print "BEGIN; CREATE TABLE packages (name TEXT PRIMARY KEY, json TEXT);" }
    { gsub(q, q q); printf "INSERT OR REPLACE INTO packages VALUES (%s%s%s, %s{\"name\":\"%s\",\"version\":\"%s\",\"kib\":%d}%s);\n", q, $1, q, q, $1, $2, $3, q }
    END { print "COMMIT;" }' | sqlite3 "$work/packages.db"
mkdir -p "$work/nginx" && cp -rL /usr/share/common-licenses "$work/licenses"
# nginx's workers may run as another user.
chmod 755 "$work" "$work/licenses"
cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx/pid; error_log $work/nginx/error.log;
events {}
http {
  access_log $work/nginx/access.log;
  client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
  uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
  server { listen 127.0.0.1:$origin; root $work/licenses; default_type text/plain; }
}
CONF
/usr/sbin/nginx -c "$work/nginx.conf" -p "$work/nginx" 2>/dev/null &
pids+=($!)

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

say "three nodes"
for i in 0 1 2; do
  "$weir" serve -c "$work/weir.yaml" --set "node.id=n$((i + 1))" \
    --set "listen.peer.address=127.0.0.1:$((base + 2 * i))" \
    --set "listen.http.address=127.0.0.1:$((base + 2 * i + 1))" >"$work/n$((i + 1)).log" 2>&1 &
  pids+=($!)
done
node() { printf 'http://127.0.0.1:%d' $((base + 2 * ($1 - 1) + 1)); }
# Each node reaches all three and has a lease: before that it reads, but keeps nothing.
is_joined() {
  local members
  members=$("$weir" members --server "$(node "$1")" -o json 2>/dev/null) || return 1
  [ "$(grep -o '"reachable"' <<<"$members" | wc -l)" -eq 3 ] && grep -q '"lease":{"valid":true' <<<"$members"
}
for ((tries = 0; ; ++tries)); do
  is_joined 1 && is_joined 2 && is_joined 3 && break
  [ $tries -lt 100 ] || { cat "$work"/n?.log >&2; fail "the nodes did not find each other within 10 s; their logs are above"; }
  sleep 0.1
done
"$weir" ring --server "$(node 1)"

say "reading 200 packages, all licences and all documents through every node"
mapfile -t packages < <(sqlite3 "$work/packages.db" "SELECT name FROM packages ORDER BY name LIMIT 200")
mapfile -t licenses < <(cd "$work/licenses" && find . -maxdepth 1 -type f -printf '%P\n' | sort)
mapfile -t documents < <(cd docs && find . -name '*.md' -printf '%P\n' | sort)
for i in 1 2 3; do
  "$weir" mget packages "${packages[@]}" --server "$(node $i)" >"$work/packages.$i"
  "$weir" mget licenses "${licenses[@]}" --server "$(node $i)" >"$work/licenses.$i"
  "$weir" mget docs "${documents[@]}" --server "$(node $i)" >"$work/docs.$i"
done
"$weir" get docs architecture.md --server "$(node 3)" | cmp - docs/architecture.md || fail "node 3 returned other bytes than docs/architecture.md"
"$weir" get licenses Apache-2.0 --server "$(node 2)" | cmp - /usr/share/common-licenses/Apache-2.0 || fail "node 2 returned other bytes than the licence"
loads_at_origin=$(wc -l <"$work/nginx/access.log")

say "one get explained"
"$weir" get packages "${packages[7]}" --explain --server "$(node 1)"

say "killing n3 and reading on"
disown "${pids[3]}"
kill -9 "${pids[3]}"
"$weir" mget packages "${packages[@]}" --server "$(node 1)" >"$work/packages.after"

say "summary"
total() { # field of the keyspace in the statistics of all nodes that answer
  local sum=0 value
  for i in 1 2 3; do
    value=$(curl -sf -m 2 "$(node $i)/metrics" | awk -v m="$1" 'index($0, m) == 1 { sum += $NF } END { printf "%d", sum }') || value=0
    sum=$((sum + ${value:-0}))
  done
  echo $sum
}
printf '\n%-34s %10s %14s\n' "keyspace" "keys" "reads"
printf '%-34s %10d %14d\n' "packages (SQLite)" "${#packages[@]}" $((4 * ${#packages[@]}))
printf '%-34s %10d %14d\n' "licenses (nginx)" "${#licenses[@]}" $((3 * ${#licenses[@]} + 1))
printf '%-34s %10d %14d\n\n' "docs (folder)" "${#documents[@]}" $((3 * ${#documents[@]} + 1))
printf '%-34s %10d\n' "requests that reached nginx" "$loads_at_origin"
printf '%-34s %10d\n' "source loads of n1 and n2, all kinds" "$(total weir_source_loads_total)"
printf '%-34s %9d s\n' "time" $((SECONDS - began))
[ "$loads_at_origin" -eq "${#licenses[@]}" ] || fail "nginx was asked $loads_at_origin times for ${#licenses[@]} licences; one load each was expected"
grep -c . "$work/packages.after" >/dev/null || fail "no answer after the kill"
echo "OK"
