# The cluster in network namespaces, for compose.sh: a bridge with DNS (dnsmasq) and the origin (nginx) on it, and a
# namespace for each node. All of it lives in a process, mount and network namespace of its own, so nothing of this
# machine is changed and nothing is left when the script ends, however it ends.

subnet=10.77.0

use_namespaces() { # the arguments of the script
  local program missing=() packages="iproute2 dnsmasq-base nginx-light sqlite3"
  PATH=$PATH:/usr/sbin:/sbin
  if [ "$discovery" = nats ]; then packages+=" nats-server"; fi
  if [ "$install" = yes ] && [ -z "${WEIR_EXAMPLE_INSIDE:-}" ]; then apt_install $packages; fi
  for program in ip unshare dnsmasq nginx sqlite3; do
    command -v $program >/dev/null || missing+=($program)
  done
  if [ "$discovery" = nats ] && ! command -v nats-server >/dev/null; then missing+=(nats-server); fi
  [ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
  [ ${#missing[@]} -eq 0 ] || skip "${missing[*]} not found; apt-get install $packages"
  if [ -z "${WEIR_EXAMPLE_INSIDE:-}" ]; then
    unshare --net --mount --pid --fork true 2>/dev/null || skip "network namespaces are not permitted"
    find_program
    rm -rf "$work"
    WEIR_EXAMPLE_INSIDE=1 WEIR_EXAMPLE_BEGAN=$began exec unshare --net --mount --pid --fork --kill-child --mount-proc \
      "$0" "$@" --namespaces --weir "$weir"
  fi

  place="in network namespaces"
  mount -t tmpfs tmpfs /run
  rmdir "$work"
  work=/run/weir-example
  mkdir -p "$work/origin"
  declare -gA pid_of=()
  last=0
  cluster_up() { namespaces_up; }
  cluster_scale() { while [ $last -lt "$1" ]; do node_up; done; tell_dns; }
  cluster_kill() { node_kill "$1"; }
  cluster_down() { kill $(jobs -p) 2>/dev/null || true; cd /; }
  cluster_logs() { tail -n 20 "$work"/*.log; }
  nodes() { printf '%s\n' "${!pid_of[@]}" | sort; }
  at() { "$weir" "${@:2}" --server "http://$subnet.1${1#n}:7421"; }
  origin_file() { cat "/usr/share/common-licenses/$1"; }
  origin_requests() { grep -c GET "$work/origin.log"; }
}

# The program to run: the one that was named, else the one that quickstart.sh builds.
find_program() {
  [ -z "$weir" ] || return 0
  weir=$repository/build/release/node/weir
  [ -x "$weir" ] && return
  say "building (the first time takes some minutes)"
  "$repository/cmake/install-packages.sh" build
  (cd "$repository" && cmake --preset release -DWEIR_BUILD_TESTS=OFF -DWEIR_BUILD_BENCHMARKS=OFF >/dev/null &&
    cmake --build --preset release --target weir)
}

namespaces_up() {
  local resolver
  resolver=$(readlink -m /etc/resolv.conf)
  [ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")" && : >"$resolver"; }
  echo "nameserver $subnet.1" >"$work/resolv.conf"
  mount --bind "$work/resolv.conf" "$resolver"

  ip link set lo up
  ip link add bridge type bridge
  ip addr add $subnet.1/24 dev bridge
  ip link set bridge up

  sqlite3 "$work/users.db" ".read $repository/deploy/compose/users.sql"
  nginx -p "$work/origin" -e stderr -c "$repository/deploy/compose/origin.conf" >"$work/origin.log" 2>&1 &
  for ((last = 0; last < 3;)); do node_up; done
  tell_dns
  dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts="$work/hosts" --user=root \
    --pid-file= --bind-interfaces --listen-address=$subnet.1 >"$work/dns.log" 2>&1 &
  dns=$!
  if [ "$discovery" = nats ]; then nats-server --addr $subnet.1 --port 4222 >"$work/nats.log" 2>&1 & fi
}

# The next node: a namespace with one interface on the bridge, and a process in it.
node_up() {
  local id=n$((++last)) address=$subnet.1$last configuration=$repository/deploy/compose
  ip netns add $id
  ip link add to-$id type veth peer name eth0 netns $id
  ip link set to-$id master bridge up
  ip -n $id link set lo up
  ip -n $id addr add $address/24 dev eth0
  ip -n $id link set eth0 up
  ip -n $id route add default via $subnet.1
  WEIR_DATA=$work ip netns exec $id "$weir" serve -c "$configuration/weir.yaml" \
    -c "$configuration/$discovery.yaml" --set node.id=$id >"$work/$id.log" 2>&1 &
  pid_of[$id]=$!
}

# Its process and its network are gone at the same time, and so is its address from DNS, as in docker.
node_kill() {
  disown ${pid_of[$1]}
  kill -9 ${pid_of[$1]}
  ip link del to-$1
  unset "pid_of[$1]"
  tell_dns
}

# The hosts of DNS: the origin, the server for NATS, and each node that runs under the one name of the service.
tell_dns() {
  local id
  {
    printf "$subnet.1 %s\n" origin nats
    for id in "${!pid_of[@]}"; do echo "$subnet.1${id#n} weir"; done
  } >"$work/hosts"
  if [ -n "${dns:-}" ]; then kill -HUP "$dns"; fi
}
