# What ./start and ./check share: one line a step, its output in a log that is shown only when the step fails.
# Sourced by bash from the root of the tree.

log_dir=build/logs
mkdir -p "$log_dir"

# The compiler's cache gives hits for the same file in any clone of the tree.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

# say LINE…
say() { printf '%s\n' "$@"; }

# clock SECONDS: "4 s", "3 min 05 s"
clock() {
  if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# follow LOG: copies stdin to LOG and shows how far ninja or ctest is: in place on a terminal, else one line every 10 s.
follow() {
  local log=$1 line shown=0 begin=$SECONDS now
  while IFS= read -r line || [[ -n $line ]]; do
    printf '%s\n' "$line" >>"$log"
    [[ $line =~ ^\[?\ *([0-9]+/[0-9]+)[\]\ ] ]] || continue
    now=$((SECONDS - begin))
    if [[ -t 1 ]]; then
      printf '\r  %-9s %s\033[K' "${BASH_REMATCH[1]}" "$(clock $now)"
    elif ((now - shown >= 10)); then
      say "  ${BASH_REMATCH[1]} after $(clock $now)"
      shown=$now
    fi
  done
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

# step NAME TITLE COMMAND…: runs it without a standard input; its time is told. When it fails, what the tests of the JUnit file $step_tests wrote is
# shown, or the end of its log where that tells nothing. step_seconds holds the time it took.
step() {
  local name=$1 title=$2 status=0 begin=$SECONDS
  shift 2
  local log=$log_dir/$name.log
  : >"$log"
  say "• $title"
  "$@" 2>&1 </dev/null | follow "$log"
  status=${PIPESTATUS[0]}
  step_seconds=$((SECONDS - begin))
  if ((status == 0)); then
    say "  done in $(clock $step_seconds)"
  else
    say "  FAILED after $(clock $step_seconds); its log is $log"
    if [[ -z ${step_tests:-} ]] || ! tools/count_tests --show "$step_tests"; then tail -n 40 "$log" | sed 's/^/    /'; fi
  fi
  return "$status"
}
