#!/bin/bash
# A release whose maps change their layout goes up and down under traffic: every frame stays counted once, in maps of every kind.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
for tool in cc jq bpftool; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
moves=${1:-50} sender=
cleanup() {
	[ -z "$sender" ] || kill "$sender" 2>/dev/null
	net_down "iov-move-$$"
}
net_up "iov-move-$$"
cc -O2 -D_GNU_SOURCE -I"$top/tests/soak" -o "$tmp/send" "$top/tests/soak/send.c" || exit 1
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
maps=$tmp/host/sys/fs/bpf/iovpkg/live/tally/maps
dump() { bpftool -j map dump pinned "$maps/$1"; }
# Packets and bytes of a map, of either layout.
counted() {
	dump "$1" | jq -r '[.[].formatted | (.values // [.])[] | .value | {packets: (.packets // .pkts), bytes}] |
		"\(map(.packets) | add) \(map(.bytes) | add)"'
}
total() { dump bss | jq -r '[.. | objects | .total // .frames // empty] | add'; }

setup_registry "$top/tests/modules/tally"
check "install" inside install tally --set iface=iov-b
publish "$top/tests/modules/tally-2" || { fail "publish tally 2.0.0"; exit 1; }
inside upgrade --dry-run --json >"$tmp/plan"
equal "the plan tells what becomes of each map" \
	"$(jq -c '[.instances[].maps[] | {(.map): .change}] | add' "$tmp/plan")" \
	'{"flows":"migrate","recent":"migrate","cpu_flows":"migrate","sides":"migrate",".bss":"migrate"}'
says "and in words" "map flows moves to its new layout" inside upgrade --dry-run

nsenter --net="/run/netns/$net-a" "$tmp/send" iov-a 83 1000 20000 0 "$tmp/sent" >"$tmp/said" & sender=$!
sleep 0.3
done=0
while [ $done -lt "$moves" ]; do
	if [ $((done % 2)) -eq 0 ]; then words=upgrade; else words=rollback; fi
	inside $words >"$tmp/last" 2>&1 || { cp "$tmp/last" "$out"; break; }
	done=$((done + 1))
done
if [ $done -eq "$moves" ]; then pass "$moves upgrades and rollbacks under traffic"; else fail "$moves upgrades and rollbacks under traffic: $words after $done"; fi
cp "$tmp/last" "$out"
also "the time in which a late write is not seen is told" "a late write could not be seen"
kill -TERM $sender
check "the sender ends well" wait $sender
sender=
sleep 0.3
sent=$(awk '{ sent += $2 } END { print sent }' "$tmp/sent")
read -r _ refused _ <"$tmp/said"
equal "no frame was dropped unsaid" "$(net_dropped a)" "$refused"
for map in flows recent cpu_flows sides; do
	equal "every frame is counted once in '$map'" "$(counted $map)" "$sent $((sent * 100))"
done
equal "and in a variable" "$(total)" "$sent"
equal "every flow has its own" "$(dump flows | jq -r '.[].formatted.value | .packets // .pkts' | sort)" "$(awk '{ print $2 }' "$tmp/sent" | sort)"
equal "nothing is left of the moves" "$(find "$tmp/host/sys/fs/bpf/iovpkg" -name base)" ""
grep -h "a late write" "$tmp/last" | sed 's/^/# /'
