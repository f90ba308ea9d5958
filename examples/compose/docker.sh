# The cluster in containers, for compose.sh: deploy/compose with docker-compose 1.29 or docker compose v2. Starts a
# daemon if none runs, and makes the base image with debootstrap if it cannot be pulled.

project=weir-example
docker_missing=

apt_install() { # packages
  [ "$(id -u)" -eq 0 ] || fail "--install needs root; or run: apt-get install $*"
  say "installing $*"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Whether there is a daemon and a compose; docker_missing says what is not there.
docker_ready() {
  if [ "$install" = yes ]; then apt_install docker.io docker-compose debootstrap; fi
  PATH=$PATH:/usr/sbin:/sbin
  if ! command -v docker >/dev/null; then
    docker_missing="docker is not installed; --install does that on Debian"
    return 1
  fi
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
  else
    docker_missing="neither docker compose nor docker-compose is installed"
    return 1
  fi
  local answer
  answer=$(docker info 2>&1 >/dev/null) && return
  docker_missing=$(tail -n 1 <<<"${answer:-none answers}")
  if [ "$where" = docker ] || [ "$(id -u)" -ne 0 ] || ! command -v dockerd >/dev/null; then return 1; fi
  start_daemon
}

# A daemon of our own. It leaves the firewall and the routing of this machine alone, unless the firewall forwards only
# what has a rule. Its images stay in build/docker, so that the next run is quick.
start_daemon() {
  local data=$repository/build/docker rules=false
  if iptables -S FORWARD 2>/dev/null | grep -q -- '-P FORWARD DROP'; then rules=true; fi
  mkdir -p "$data"
  say "starting a docker daemon, with its images in build/docker"
  # In a session of its own: Ctrl-C is for this script, which still needs the daemon then.
  setsid dockerd --data-root "$data" --exec-root "$work/docker" --pidfile "$work/docker.pid" \
    -H "unix://$work/docker.sock" --bridge=none --iptables=$rules --ip-forward=$rules >"$work/docker.log" 2>&1 &
  daemon=$!
  export DOCKER_HOST=unix://$work/docker.sock
  local end=$(($(date +%s) + 60))
  until docker info >/dev/null 2>&1; do
    if ! kill -0 $daemon 2>/dev/null || [ "$(date +%s)" -ge $end ]; then
      docker_missing="dockerd: $(grep -v 'level=info' "$work/docker.log" | tail -n 1)"
      stop_daemon
      unset DOCKER_HOST
      return 1
    fi
    sleep 0.2
  done
}

stop_daemon() {
  [ -n "${daemon:-}" ] || return 0
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  umount "$work"/docker/netns/* 2>/dev/null || true
  daemon=
}

use_docker() {
  place="in containers"
  local folder=$repository/deploy/compose
  compose+=(-p $project -f "$folder/docker-compose.yml")
  if [ "$discovery" = nats ]; then compose+=(-f "$folder/docker-compose.nats.yml"); fi
  cluster_down() {
    "${compose[@]}" down --volumes --remove-orphans --timeout 5 >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
    stop_daemon
  }
  cluster_up() { run_quietly "${compose[@]}" up -d --no-build; }
  cluster_scale() { run_quietly "${compose[@]}" up -d --no-build --no-recreate --scale weir="$1"; }
  cluster_kill() { docker kill "$1" >/dev/null; }
  cluster_logs() { "${compose[@]}" logs --tail 20; }
  nodes() { containers weir | sort; }
  at() { docker exec "$1" weir "${@:2}"; }
  origin_file() { docker exec "$(containers origin)" cat "/usr/share/common-licenses/$1"; }
  origin_requests() { docker logs "$(containers origin)" 2>/dev/null | grep -c GET; }
  # What an earlier run may have left that was killed.
  run_quietly "${compose[@]}" down --volumes --remove-orphans --timeout 1
  make_images
}

containers() { # ids of the running ones of a service; the first 12 digits are the host name, and so the node's id
  docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"
}

run_quietly() {
  "$@" >"$work/command.log" 2>&1 && return
  cat "$work/command.log" >&2
  fail "$1 failed; its output is above"
}

make_images() {
  local network=(--network host)     # what works on this machine works in the build, too
  say "images"
  mkdir -p "$work/context"
  local machine=
  [ ! -r /etc/os-release ] || machine=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-}")
  if [ -z "$weir" ] && [ "$machine" = "debian 12" ] && [ -x "$repository/build/release/node/weir" ]; then
    weir=$repository/build/release/node/weir
  fi
  if [ -n "$weir" ]; then
    strip -o "$work/context/weir" "$weir" 2>/dev/null || cp "$weir" "$work/context/weir"
    printf 'FROM weir-base:0.1\nCOPY weir /usr/local/bin/weir\n' >"$work/context/Dockerfile"
    run_quietly docker build "${network[@]}" -t weir-base:0.1 --target base -f "$repository/Dockerfile" "$work/context"
    run_quietly docker build -t weir:0.1 "$work/context"
  else
    say "  compiling in a container, which takes some minutes"
    run_quietly docker build "${network[@]}" -t weir:0.1 --target weir "$repository"
  fi
  run_quietly docker build "${network[@]}" -t weir-origin:0.1 -t weir-data:0.1 -t weir-nats:0.1 --target beside \
    -f "$repository/Dockerfile" "$work/context"
  say "  weir:0.1 adds $((($(size_of weir:0.1) - $(size_of debian:12-slim)) / 1000000)) MB to the base image"
}

size_of() { docker image inspect -f '{{.Size}}' "$1"; }

# debian:12-slim: what is there, else pulled, else made from the package mirrors that this machine uses. On failure
# docker_missing says why.
make_base() {
  ! docker image inspect debian:12-slim >/dev/null 2>&1 || return 0
  say "base image debian:12-slim"
  ! docker pull -q debian:12-slim >/dev/null 2>"$work/pull.log" || return 0
  docker_missing="no base image: $(tail -n 1 "$work/pull.log")"
  if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
    docker_missing+="; with debootstrap, as root, this script makes one"
    return 1
  fi
  say "  it cannot be pulled; making it with debootstrap"
  local mirror proxy=
  mirror=$(apt_sources | awk '$3 == "bookworm" { print $2; exit }')
  ! command -v apt-config >/dev/null || eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy=$proxy
  if ! debootstrap --variant=minbase --include=ca-certificates bookworm "$work/base" \
    ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1; then
    docker_missing="debootstrap: $(tail -n 1 "$work/debootstrap.log")"
    return 1
  fi
  [ -z "$mirror" ] || apt_sources >"$work/base/etc/apt/sources.list"
  [ -z "$proxy" ] || echo "Acquire::http::Proxy \"$proxy\";" >"$work/base/etc/apt/apt.conf.d/80proxy"
  # As in the slim image: neither packages nor documents, but for the licences.
  rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* "$work"/base/usr/share/{man,info,locale,doc}/*
  tar -C "$work/base" -c . | docker import - debian:12-slim >/dev/null || {
    docker_missing="the base image cannot be imported"
    return 1
  }
  rm -rf "$work/base"
}

# The lines of sources.list for Debian 12 that this machine has.
apt_sources() {
  local form='deb $(REPO_URI) $(RELEASE) $(COMPONENT)'
  { apt-get indextargets --format "$form" 'Created-By: Packages' 2>/dev/null || true; } |
    awk '$3 ~ /^bookworm(-updates|-security)?$/' | sort -u
}
