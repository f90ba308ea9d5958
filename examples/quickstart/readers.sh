# Readers that measure each read, and the figures made of what they noted. Sourced by quickstart.sh.

# start_reader NODE COUNT ROUND: one connection to the node that reads COUNT packages, one after the other; some are
# read often, most seldom or never. Notes "seconds status" for each in $work/reads.NODE.ROUND; its id in `reader_pid`.
start_reader() {
  awk -v count="$2" -v seed="$1$3" -v base="$(node "$1")/v1/packages/" '
    { name[NR] = $0 }
    END {
      srand(seed)
      for (i = 0; i < count; ++i) printf "url = \"%s%s\"\noutput = \"/dev/null\"\n", base, name[int(rand() ^ 10 * NR) + 1]
    }' "$work/names" >"$work/urls.$1.$3"
  curl -sg --max-time 10 -w '%{time_total} %{http_code}\n' -K "$work/urls.$1.$3" >"$work/reads.$1.$3" &
  reader_pid=$!
}

reads_done() { cat "$work"/reads.* 2>/dev/null | wc -l; }

# bar DONE ALL: one line that is written over at a terminal; in a file a line at each quarter.
bar_shown=-1
bar() {
  local percent=$((100 * $1 / $2)) width=40 filled
  if [ -t 1 ]; then
    filled=$((width * $1 / $2))
    printf '\r         [%-*s] %3d %%  %d of %d reads' $width "$(printf '%*s' $filled '' | tr ' ' '#')" $percent "$1" "$2"
    [ "$1" -lt "$2" ] || printf '\n'
  elif [ $((percent / 25)) -ne "$bar_shown" ]; then
    bar_shown=$((percent / 25))
    printf '         %3d %%  %d of %d reads\n' $percent "$1" "$2"
  fi
}

# watch_reads BEFORE ALL PID...: shows the bar until the readers are through. At half of the way it calls `half_way`.
watch_reads() {
  local before=$1 all=$2 done_now called=no
  shift 2
  bar_shown=-1
  while :; do
    done_now=$(($(reads_done) - before))
    bar $((done_now < all ? done_now : all)) "$all"
    if [ $called = no ] && [ $((2 * done_now)) -ge "$all" ]; then
      called=yes
      half_way
    fi
    [ $done_now -lt "$all" ] || break
    kill -0 "$@" 2>/dev/null || { [ $(($(reads_done) - before)) -ge "$all" ] || fail "a reader ended early"; }
    sleep 0.1
  done
  wait "$@" || fail "a reader failed"
}

# latencies FILE...: "p50 p99 longest failed" of the noted reads, in milliseconds.
latencies() {
  cat "$@" | sort -n | awk '
    { took[NR] = $1 * 1000; if ($2 != 200) ++failed }
    END { printf "%.2f %.2f %.1f %d\n", took[int((NR + 1) * .5)], took[int(NR * .99) + (NR < 100)], took[NR], failed }'
}
