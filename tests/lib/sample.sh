# What the live tests of the sample modules share: a host at one end of a link, a registry, and what bpftool sees.
#   sample_up NAME MODULE...     namespaces NAME-a and NAME-b, and a registry with these modules
#   inside COMMAND...            iovpkg on the host, which is at b
#   entries INSTANCE MAP         the map as JSON: [{"key": …, "value": …}, …]; "values" where each CPU has its own
#   follow INSTANCE              writes its events to $tmp/INSTANCE.events, a line each, until the test ends
#   eventually COMMAND...        tries for some seconds
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"
. "$top/tests/lib/net.sh"
pinned=$tmp/host/sys/fs/bpf/iovpkg/live
followers=()

cleanup() {
	[ ${#followers[@]} -eq 0 ] || kill "${followers[@]}" 2>/dev/null
	wait
	[ -z "${net:-}" ] || net_down "$net"
}
sample_up() {
	local one
	for one in jq bpftool; do command -v $one >/dev/null || skip_all "$one is not installed"; done
	need_bpf
	net_down "$1"
	net_up "$1"
	shift
	setup_registry "$@"
}

inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
map_info() { bpftool -j map show pinned "$pinned/$1/maps/$2"; }
entries() { bpftool -j map dump pinned "$pinned/$1/maps/$2" | jq -c 'map(.formatted)'; }

follow() {
	"$IOVPKG" --root "$tmp/host" events "$1" --json >"$tmp/$1.events" &
	followers+=($!)
}
eventually() {
	local _
	for _ in {1..50}; do "$@" && return; sleep 0.1; done
	return 1
}

# The interface at b counts as the kernel does: [packets in, bytes in, packets out, bytes out].
interface_counters() {
	in_b ip -j -s link show iov-b | jq -c '.[0].stats64 | [.rx.packets, .rx.bytes, .tx.packets, .tx.bytes]'
}
# flow SOURCE TARGET PROTOCOL [PORT]: [packets, bytes] of the entries of `flows` from here to there.
flow() {
	entries flow-table flows | jq -c --arg from "$1" --arg to "$2" --argjson proto "$3" --argjson port "${4:-0}" '
		def ipv4: .[12:] | map(tostring) | join(".");
		def network_order: if . == 0 then 0 else (. % 256) * 256 + (. / 256 | floor) end;
		map(select((.key.saddr | ipv4) == $from and (.key.daddr | ipv4) == $to and .key.proto == $proto
			and ($port == 0 or .key.dport == $port or .key.dport == ($port | network_order))) | .value)
		| [(map(.packets) | add), (map(.bytes) | add)]'
}

leaves_nothing() {
	check "remove" inside remove "$@"
	equal "bpffs is clean" "$(pins | grep -E '/(live|staging)/' | grep -vc generation_)" 0
}
