#!/usr/bin/env bash
# Installs the Debian 12 packages that are missing: `build` for building and running, `test` for the tests too.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libboost1.81-dev libboost-json1.81-dev
       libyaml-cpp-dev libssl-dev libc-ares-dev libxxhash-dev libcli11-dev libsqlite3-dev libpq-dev)
run=(nginx-light sqlite3 curl)
test=(libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
      ccache python3 python3-jsonschema python3-xxhash python3-yaml openssl dnsmasq-base nats-server nginx-light sqlite3 curl iproute2 iptables procps faketime prometheus postgresql redis-server)

case "${1:-}" in
  build) wanted=("${build[@]}" "${run[@]}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  *) echo "usage: $0 build|test" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  echo "$0: not root; run: apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A server that the tests start themselves must not start on its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
