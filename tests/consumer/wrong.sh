#!/usr/bin/env bash
# Compiles programs with typical mistakes and looks at what the compiler says first.
#
#   wrong.sh <compiler> <source dir of weir>
set -euo pipefail
compiler=$1
root=$2
here=$(cd "$(dirname "$0")" && pwd)
include=()
for each in "$root"/*/include; do include+=("-I$each"); done
source_words="weir: a source is a function of std::string_view that returns weir::result<weir::bytes>"
time_words="weir: a time needs a unit: write 60s, 500ms or 5min"
failed=0

compile() { "$compiler" -fsyntax-only -Wall -Wextra "${include[@]}" "$@" "$here/wrong.cpp" 2>&1; }

# The mistakes are refused, the first error is the sentence, and no more than a screen is said.
says() {
  local number=$1 words=$2 said first
  if said=$(compile -std=c++20 -fmax-errors=1 -DWRONG="$number"); then
    echo "program $number compiles" >&2
    failed=1
    return
  fi
  first=$(grep -m1 'error' <<<"$said" || true)
  if [[ "$first" != *"$words"* || $(wc -l <<<"$said") -gt 16 ]]; then
    printf 'program %s should say "%s" in 16 lines at most, but says:\n%s\n' "$number" "$words" "$said" >&2
    failed=1
  fi
}

compile -std=c++20 -DWRONG=0 || { echo "the program without a mistake does not compile" >&2; exit 1; }
for number in 1 2 3 4 5; do says "$number" "$source_words"; done
says 6 "weir: this source lacks a function; a weir::blocking_source has"
for number in 7 8 9; do says "$number" "$time_words"; done

# Every answer that is thrown away is named.
said=$(compile -std=c++20 -DWRONG=10)
wanted=$(sed -n '/WRONG == 10/,/#endif/p' "$here/wrong.cpp" | grep -cE '^  [a-z]+\.[a-z_]+\(')
found=$(grep -cE 'warning: ignoring return(ed)? value of' <<<"$said" || true)
if [ "$wanted" -lt 30 ] || [ "$found" -ne "$wanted" ]; then
  printf '%s answers are thrown away, the compiler names %s:\n%s\n' "$wanted" "$found" "$said" >&2
  failed=1
fi

# An older language is named before all that follows from it.
said=$(compile -std=c++17 -DWRONG=0 || true)
if [[ $(grep -m1 'error' <<<"$said") != *"weir needs C++20"* ]]; then
  printf 'C++17 should be refused by name, but the compiler says:\n%s\n' "$(head -5 <<<"$said")" >&2
  failed=1
fi
exit $failed
