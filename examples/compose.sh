#!/usr/bin/env bash
# The cluster of deploy/compose, shown: three nodes found by DNS over a web server and a database, read through each
# of them, five nodes, one killed, the ring before and after. Takes down what it put up, whatever happens.
#
#   examples/compose.sh                in containers, with a docker daemon that runs or that it can start;
#                                      without one in network namespaces, which needs root
#   examples/compose.sh --install      installs docker.io, docker-compose and debootstrap from Debian before
#   examples/compose.sh --docker       in containers, of a daemon that runs, or not at all
#   examples/compose.sh --namespaces   in network namespaces
#
#   --nats         discovery through NATS instead of DNS
#   --weir FILE    this program, built on Debian 12, instead of building it
#
# Exit 0 when every step did what it should, 77 when it cannot run here, 1 otherwise.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
arguments=("$@")
where=any install=no discovery=dns weir=
while [ $# -gt 0 ]; do
  case "$1" in
    --docker) where=docker ;;
    --namespaces) where=namespaces ;;
    --install) install=yes ;;
    --nats) discovery=nats ;;
    --weir) weir=$(realpath -e "${2:?--weir needs a file}"); shift ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) echo "compose.sh: unknown option $1; see --help" >&2; exit 2 ;;
  esac
  shift
done

began=${WEIR_EXAMPLE_BEGAN:-$(date +%s)}
say() { printf '%4d s  %s\n' $(($(date +%s) - began)) "$1"; }
fail() { printf 'compose.sh: %s\n' "$1" >&2; exit 1; }
skip() { printf 'compose.sh: cannot run here: %s\n' "$1" >&2; exit 77; }

# await SECONDS WHAT COMMAND...: until the command succeeds. What it writes to `progress` is shown when it changes.
progress=
await() {
  local end=$(($(date +%s) + $1)) what=$2 shown=
  shift 2
  until "$@"; do
    [ "$progress" = "$shown" ] || say "  $progress"
    shown=$progress
    if [ "$(date +%s)" -ge $end ]; then
      cluster_logs >&2
      fail "$what: not in time; ${progress:-no progress}; the logs are above"
    fi
    sleep 0.2
  done
}

# Each of the two defines, for the cluster:
#   cluster_up, cluster_scale N, cluster_kill NODE, cluster_down, cluster_logs
#   nodes (their ids, a line each), at NODE weir-command..., origin_file NAME, origin_requests
. "$repository/examples/compose/docker.sh"
. "$repository/examples/compose/namespaces.sh"

work=$(mktemp -d)
finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  cluster_down || true
  rm -rf "$work"
  exit $status
}
cluster_down() { :; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$where" != namespaces ]; then
  if docker_ready && make_base; then
    use_docker
  elif [ "$where" = docker ]; then
    skip "$docker_missing"
  else
    stop_daemon
    echo "no docker ($docker_missing); the same topology in network namespaces:"
    where=namespaces
  fi
fi
[ "$where" != namespaces ] || use_namespaces "${arguments[@]}"

# All nodes are ready, may keep what they load (a lease), and have the same ring, of $1 nodes that each have a share.
agree_on() {
  local node ring ready=0 rings=() count
  for node in $(nodes); do
    ! { at "$node" health && at "$node" members -o json | grep -q '"lease":{"valid":true'; } >/dev/null 2>&1 ||
      ready=$((ready + 1))
    ring=$(at "$node" ring -o json 2>/dev/null) || ring=
    count=$(grep -oE '"slots":[1-9]' <<<"$ring" | wc -l || true)
    rings+=("$count/$(sed -n 's/.*"digest":"\([^"]*\)".*/\1/p' <<<"$ring")")
  done
  progress="$ready of $1 ready, nodes in their rings: ${rings[*]%%/*}"
  [ "$ready" -eq "$1" ] && [ ${#rings[@]} -eq "$1" ] && [ "${rings[0]%%/*}" = "$1" ] &&
    [ "$(printf '%s\n' "${rings[@]}" | sort -u | wc -l)" -eq 1 ]
}

read_at() { # node, keyspace, keys
  at "$1" mget "${@:2}" >"$work/read" 2>&1 && return
  grep -v ' ok ' "$work/read" | cut -c 1-200 | head -n 20 >&2
  fail "$1 did not return all of $2; what it did is above"
}

# Two hundred users and all licences through every node; any failure or missing key ends the script.
reads=0
read_all() {
  local node
  for node in $(nodes); do
    read_at "$node" users $(seq 200)
    read_at "$node" licenses $licenses
    reads=$((reads + 200 + $(wc -w <<<"$licenses")))
  done
}

say "three nodes, found by ${discovery^^}, $place"
cluster_up
await 120 "three nodes that agree" agree_on 3
first=$(nodes | head -n 1)
say "the ring"
at "$first" ring

say "reading 200 users (SQLite) and all licences (nginx) through every node"
licenses="Apache-2.0 Artistic BSD CC0-1.0 GFDL-1.3 GPL-2 GPL-3 LGPL-2.1 LGPL-3 MPL-2.0"
read_all
requests=$(origin_requests)
[ "$requests" -eq "$(wc -w <<<"$licenses")" ] ||
  fail "the web server was asked $requests times for $(wc -w <<<"$licenses") licences; one load each was expected"
origin_file GPL-3 >"$work/GPL-3"
for node in $(nodes); do
  at "$node" get licenses GPL-3 | cmp -s - "$work/GPL-3" || fail "$node returned other bytes than the web server has"
done
say "$reads reads through 3 nodes; the web server was asked $requests times, once for each licence"

say "five nodes"
cluster_scale 5
await 120 "five nodes that agree" agree_on 5
at "$first" ring
read_all

victim=$(nodes | tail -n 1)
say "killing $victim (SIGKILL), and reading on at once"
cluster_kill "$victim"
read_all
say "nothing failed; waiting until it is off the ring"
await 60 "four nodes that agree" agree_on 4
say "the ring after"
at "$first" ring
at "$first" members
say "OK: $reads reads, none failed; taking it down"
