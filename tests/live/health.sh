#!/bin/bash
# Health checks on the live kernel: a release that does not do its work goes back to the one before by itself.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
ns=iov-h$$
traffic=
cleanup() { [ -z "$traffic" ] || kill "$traffic"; net_down "$ns"; }
net_up "$ns"
host() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
pinned=$tmp/host/sys/fs/bpf/iovpkg/live/watched
running() { bpftool -j link show pinned "$pinned/links/count_in" | jq -s 'flatten[0].prog_id'; }
map_id() { bpftool -j map show pinned "$pinned/maps/totals" | jq .id; }

# release VERSION [CHECK]: that version of the module, published; with this one check instead of its own.
release() {
	rm -rf "$tmp/watched"
	cp -r "$top/tests/modules/watched" "$tmp/watched"
	sed -i "s/^version: .*/version: $1/" "$tmp/watched/iov.yaml"
	[ $# = 1 ] || { sed -i '/^health:/q' "$tmp/watched/iov.yaml" && echo "  - $2" >>"$tmp/watched/iov.yaml"; }
	publish "$tmp/watched"
}
setup_registry
release 1.0.0 || fail "publish 1.0.0"

says "the plan tells the checks" "healthy if map 'totals' [0].packets rises by 10 within 10s" host install watched --set iface=iov-b --dry-run
# Some packets a millisecond, until the end.
nsenter --net="/run/netns/$ns-a" bash -c 'exec 3>/dev/udp/10.77.2.2/4000; while :; do for i in 1 2 3 4 5 6 7 8 9 10; do echo >&3; done; sleep 0.01; done 2>/dev/null' &
traffic=$!
check "a healthy module is installed" host install watched --set iface=iov-b
was=$(running) map=$(map_id)

# fails NAME WORDS CHECK: a release with this check does not get through, and 1.0.0 runs on as it was.
n=0
fails() {
	n=$((n + 1))
	release "1.0.$n" "$3" || { fail "publish: $1"; return; }
	refuses "$1" 17 "instance 'watched' is not healthy" host upgrade watched
	also "$1: what was asked, and what was seen" "$2"
	equal "$1: the old program with its map" "$(running) $(map_id)" "$was $map"
}
fails "a counter that does not rise" "packets rises by 1000000000 within 300ms, but it went from " \
	'{map: totals, key: 0, field: packets, rises_by: 1000000000, within: 300ms}'
fails "an entry that is missing" "[port 53, protocol UDP] is at least 1 within 300ms, but there is no such entry" \
	'{map: by_port, key: {port: 53, protocol: UDP}, at_least: 1, within: 300ms}'
fails "a command that fails" "it ended with status 1: cat: /etc/shadow: Permission denied" '{command: [cat, /etc/shadow], within: 10s}'
# What such a command left behind, outside of its process group, ends with it.
fails "a command that does not end" "succeeds within 700ms, but it was still running then" \
	"{command: [sh, -c, 'setsid sleep 98.7$$ & sleep 98.7$$'], within: 700ms}"
equal "nothing of the command is left" "$(pgrep -cf "sleep 98.7$$")" 0
kill "$traffic"
wait "$traffic" 2>/dev/null
traffic=
fails "a program that does not run" "program 'count_in' runs within 300ms, but it did not run at all" '{program: count_in, ran_within: 300ms}'
equal "the old version is installed" "$(host list --json | jq -r '.modules[0].version')" 1.0.0
equal "statistics are off again" "$(cat /proc/sys/kernel/bpf_stats_enabled)" 0
says "the operator may do without" "1.0.$n" host upgrade watched --no-health
check "and go back" host rollback --no-health
# A process that is killed while it checks leaves a host that the next command brings back to where it was.
release 1.1.0 '{command: [sleep, 99], within: 1m}' || fail "publish 1.1.0"
was=$(running)
nsenter --net="/run/netns/$ns-b" "$IOVPKG" --root "$tmp/host" upgrade watched >"$out" 2>&1 &
for _ in {1..100}; do grep -qs '^sleep.99' /proc/[0-9]*/cmdline && break; sleep 0.05; done
kill -9 $!
wait $! 2>/dev/null
check "a command after the kill" host load watched --set iface=iov-b
equal "the old program runs again" "$(running)" "$was"
refuses "a wrong reference is told with its place" 3 "iov.yaml:13:34: module 'watched': there is no field 'packet'; there are: packets, bytes" \
	release 1.2.0 '{map: totals, key: 0, field: packet, at_least: 1, within: 1s}'
