#!/usr/bin/env bash
# Slow and silent clients against a gateway: are they closed in time, and is everybody else served meanwhile?
#   .ci/slow.sh URL [WITHIN=12] [CONNECTIONS=200]     URL: the graph on loopback, such as http://127.0.0.1:8080/graphql
# Slow readers are left out: what the gateway has let go of still trickles out of the system's own buffers, so that
# this side cannot see it; tests/gateway/server.rs holds them by the seat that they free.
# Needs slowhttptest (a package of Debian's). One line a kind with its figure; the exit code is 0 if each kind is good.
set -uo pipefail
url=$1 within=${2:-12} count=${3:-200} failed=0
case $url in
  http://127.0.0.1:* | http://localhost:* | 'http://[::1]:'*) ;;
  *) echo 'slow.sh: loopback only' >&2; exit 2 ;;
esac
command -v slowhttptest >/dev/null || { echo 'slow.sh: slowhttptest is not installed' >&2; exit 2; }

report() { # kind, good or bad, what was seen
  printf '%-4s %s: %s\n' "$2" "$1" "$3"
  [ "$2" = good ] || failed=1
}

# slowhttptest asks for the same address by a probe beside its slow connections; the graph answers that with 400.
attack() { # kind, then slowhttptest's options
  local kind=$1 began=$SECONDS seen last took
  shift
  seen=$(slowhttptest "$@" -u "$url" -c "$count" -r "$count" -i 5 -x 24 -p 2 -l $((within * 3)) 2>&1 | tr -d '\033')
  took=$((SECONDS - began))
  last=$(sed -n 's/.*Exit status: *//p' <<<"$seen" | tail -1)
  if grep -q 'service available: *NO' <<<"$seen"; then
    report "$kind" bad "others were not served"
  elif [[ $last != *'No open connections'* ]]; then
    report "$kind" bad "open after $took s: ${last:-no result}"
  elif [ "$took" -gt $((within + 3)) ]; then
    report "$kind" bad "$count closed, but only after $took s"
  else
    report "$kind" good "$count of $count closed within $took s, others served"
  fi
}

# Opens connections, says nothing, and waits for each to be closed.
silent() {
  local authority=${url#http://} closed=0 began=$SECONDS fd fds=()
  authority=${authority%%/*}
  local host=${authority%:*} port=${authority##*:}
  host=${host#[} host=${host%]}
  for _ in $(seq 50); do
    exec {fd}<>"/dev/tcp/$host/$port" && fds+=("$fd")
  done
  for fd in "${fds[@]}"; do
    local left=$((within - (SECONDS - began)))
    read -r -n 1 -t $((left > 0 ? left : 1)) -u "$fd" _
    [ $? -gt 128 ] || closed=$((closed + 1)) # above 128 the time was up, else the other side closed
    exec {fd}>&-
  done
  local verdict=bad
  [ "$closed" = 50 ] && verdict=good
  report 'silent connections' "$verdict" "$closed of 50 closed within $((SECONDS - began)) s"
}

attack 'slow headers' -H -t GET
attack 'slow bodies' -B -s 8192 -t POST -f application/json
silent
exit "$failed"
