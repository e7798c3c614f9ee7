#!/bin/bash
# A web server that compresses with bad intent: bombs, blocks of nothing, a byte a second, streams that break off. Each is refused within the limits
# of the file, and the client goes on with what it had. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools python3 jq

registry=$tmp/registry.git site=$tmp/site log=$tmp/log
check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
check "publish" publish flow-table
check "the files are written" author registry serve "$registry" --write "$site"
mode() { echo "$1" >"$tmp/mode"; }
hostile() { # MODE-FILE: a server, whose port is in $port
	serve "$1.port" python3 "$top/tests/lib/hostile-http.py" "$site" "$1" "$log"
	for _ in {1..100}; do [ -s "$1.port" ] && break; sleep 0.1; done
	port=$(cat "$1.port")
}
sent() { awk -v mode="$1" '$1 == mode { n += $2 } END { print n + 0 }' "$log"; }
: >"$log"

# A byte a second, in the background, for it takes its minute.
echo drip >"$tmp/slow.mode"
hostile "$tmp/slow.mode"
("$IOVPKG" --root "$tmp/slow" registry add far "sparse+http://127.0.0.1:$port" --yes >"$tmp/slow.out" 2>&1; echo $? >"$tmp/slow.code") &
slow=$! began=$SECONDS

mode ok
hostile "$tmp/mode"
check "an honest server" host registry add far "sparse+http://127.0.0.1:$port" --yes
check "and what it has" host info flow-table
refused() { # MODE WORDS BYTES: what may have been sent at most
	mode "$1"
	refuses "$1" 6 "$2" host registry update
	for _ in {1..50}; do grep -q "^$1 " "$log" && break; sleep 0.1; done
	equal "$1: it was broken off" "$([ "$(sent "$1")" -le "$3" ] || sent "$1")" ""
	mode ok
	check "$1: the honest state is taken after it" host registry update
}
# A head has at most 64 KiB; beside that a socket's buffers fill.
refused bomb "endless data attack" 2000000
refused nothing "endless data attack" 8000000
broken() { # MODE CODE WORDS
	mode "$1"
	refuses "$1" "$2" "$3" host registry update
	mode ok
}
broken bomb-behind 11 "head.note' cannot be read"
broken rubbish 6 "sent data that cannot be decompressed"
broken cut 6 "is no signed note"
says "what was taken before still answers" flow-table host --offline info flow-table

# ---- slow

wait $slow
equal "a byte a second" "$(cat "$tmp/slow.code")" 11
cp "$tmp/slow.out" "$out"
also "it is called by its name" "slow drip attack"
equal "three tries of 20 seconds, and no more" "$((SECONDS - began < 90))" 1
