#!/usr/bin/env bash
# A commit in PostgreSQL is seen by three nodes at once: a database of its own, a table with the triggers that
# `weir config sql` prints, three nodes, and psql that changes a row under them.
#
#   examples/5_postgres/run.sh [WEIR]    the program; build/release/node/weir if it is left out
#
# Installs postgresql if it is missing (as root). Exit 0 when every node had the new value in time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath -e "${1:-$here/../../build/release/node/weir}")
most_ms=100
fail() { printf '5_postgres: %s\n' "$1" >&2; exit 1; }
say() { printf '%s\n' "$1"; }

servers=/usr/lib/postgresql/15/bin
if [ ! -x $servers/initdb ]; then
  say "installing postgresql"
  [ "$(id -u)" = 0 ] || fail "postgresql is missing; install it with: apt-get install postgresql"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql >/dev/null
fi
as_postgres=()
[ "$(id -u)" = 0 ] && as_postgres=(runuser -u postgres --)

work=$(mktemp -d)
nodes=()
finish() {
  local status=$?
  trap - EXIT
  for pid in "${nodes[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  "${as_postgres[@]}" $servers/pg_ctl -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for ((base = 18420; base < 30000; base += 10)); do
  for ((port = base; port < base + 7; ++port)); do is_free "$port" || continue 2; done
  break
done

[ "$(id -u)" = 0 ] && chown postgres "$work"
"${as_postgres[@]}" $servers/initdb -D "$work/data" -U shop -A trust >/dev/null
"${as_postgres[@]}" $servers/pg_ctl -D "$work/data" -w -l "$work/log" -o "-h 127.0.0.1 -p $base -k $work" start >/dev/null
sql() { psql -X -q -t -A -h 127.0.0.1 -p "$base" -U shop postgres "$@"; }
sql -c "CREATE TABLE prices (item text PRIMARY KEY, price text); INSERT INTO prices VALUES ('tea', '3.20')"
database=(--set "keyspaces[0].source.url=postgresql://shop@127.0.0.1:$base/postgres")

"$weir" config sql prices -c "$here/weir.yaml" "${database[@]}" | sql
say "the table prices has triggers; they are what \`weir config sql prices\` printed"

peers=
for i in 1 2 3; do peers+="${peers:+, }\"n$i=127.0.0.1:$((base + 2 * i - 1))\""; done
for i in 1 2 3; do
  "$weir" serve -c "$here/weir.yaml" "${database[@]}" --set node.id=n$i \
    --set listen.peer.address=127.0.0.1:$((base + 2 * i - 1)) \
    --set listen.http.address=127.0.0.1:$((base + 2 * i)) \
    --set "discovery.static.peers=[$peers]" >"$work/n$i" 2>&1 &
  nodes+=($!)
done
url() { echo "http://127.0.0.1:$((base + 2 * $1))"; }
for i in 1 2 3; do
  "$weir" health --settled --wait 20s --server "$(url $i)" >/dev/null || { cat "$work/n$i" >&2; fail "n$i does not get ready"; }
done
get() { curl -fsS "$(url "$1")/v1/prices/tea"; }
for i in 1 2 3; do
  for try in 1 2; do said=$(get $i); done
  [ "$said" = 3.20 ] || fail "n$i says $said"
done
say "three nodes keep the price of tea: 3.20"

sql -c "UPDATE prices SET price = '3.50' WHERE item = 'tea'"
committed=$(date +%s%N)
for i in 1 2 3; do
  while [ "$(get $i)" != 3.50 ]; do
    [ $((($(date +%s%N) - committed) / 1000000)) -lt 5000 ] || fail "n$i still says $(get $i) after 5 s"
  done
  took=$((($(date +%s%N) - committed) / 1000000))
  say "n$i has 3.50, $took ms after psql had committed it (most of that is the start of curl)"
  [ $took -le $((most_ms * i)) ] || fail "that is more than $most_ms ms a node"
done
"$weir" keyspaces --server "$(url 1)"
