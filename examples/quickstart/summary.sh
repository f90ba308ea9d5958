# The end table: what was read, where each answer came from, and what the kill did. Sourced by quickstart.sh.

total() { # name of the metric, pattern of its labels: the sum over all nodes, the killed one included
  awk -v name="$1" -v labels="$2" 'index($0, name "{") == 1 && $0 ~ labels { sum += $NF } END { printf "%d", sum }' "$work"/metrics.*
}
row() { printf '%-46s %s\n' "$1" "$2"; }
share() { awk -v part="$1" -v all="$2" 'BEGIN { printf "%8d  %5.1f %%", part, all ? 100 * part / all : 0 }'; }

reads=$(total weir_reads_total .)
loads=$(total weir_source_loads_total .)
printf '\n'
row "reads, over all nodes and keyspaces" "$(printf '%8d' "$reads")"
for from in memory near owner gutter joined source passed; do
  count=$(total weir_reads_total "from=\"$from\"")
  case $from in
    memory) text="  from the asked node's memory" ;;
    near) text="  from a near copy" ;;
    owner) text="  from the owner's memory, one hop" ;;
    gutter) text="  from the node next to a lost owner (gutter)" ;;
    joined) text="  joined a load that was running" ;;
    source) text="  loaded from the source" ;;
    passed) text="  passed through to the source, not kept" ;;
  esac
  [ "$count" -eq 0 ] || row "$text" "$(share "$count" "$reads")"
done
row "source loads (database, web server, folder)" "$(share "$loads" "$reads") of the reads"
row "requests that reached nginx" "$(printf '%8d  for %d licences' "$loads_at_origin" ${#licenses[@]})"
row "packages kept, of $packages" "$(printf 'n1 %d, n2 %d, n3 %d' "${keys[1]}" "${keys[2]}" "${keys[3]}")"
row "one read, three nodes alive" "p50 $p50 ms, p99 $p99 ms, longest $longest ms"
row "one read, while n3 was killed" "p50 $p50_kill ms, p99 $p99_kill ms, longest $longest_kill ms"
row "failed reads" "$(printf '%8d' $((failed + failed_kill)))"
row "time" "$(printf '%8d s' $((SECONDS - began)))"

[ $((failed + failed_kill)) -eq 0 ] || fail "$((failed + failed_kill)) reads failed; none was expected"
[ "$loads_at_origin" -eq "${#licenses[@]}" ] || fail "nginx was asked $loads_at_origin times for ${#licenses[@]} licences; one load each was expected"
[ "$reads" -ge $((5 * each)) ] || fail "the nodes counted $reads reads; at least $((5 * each)) were made"
[ "$loads" -le "$reads" ] || fail "there were more loads ($loads) than reads ($reads)"
echo "OK"
