#!/bin/bash
# Each packet is counted once, by its protocol, where the parameter says.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-nf netfilter-count
in_b ip link set lo up
counted() { entries "$1" protocols | jq -c '[.[] | select(.value.packets > 0) | [.key, .value.packets, .value.bytes]]'; }
# Nobody listens: each datagram of 33 bytes brings an ICMP message of 61.
send() { in_b bash -c 'for ((i = 0; i < 5; i++)); do echo word >/dev/udp/127.0.0.2/9; done' 2>/dev/null; true; }

if ! inside install netfilter-count >"$out" 2>&1; then
	grep -qE "has no 'netfilter' hook|program type 'netfilter', which kernel" "$out" && skip_all "this kernel has no netfilter programs"
	fail "install"
	exit 1
fi
pass "install"
refuses "a number is given once" 14 "another program has the place 'ipv4/input/-1000'" inside load netfilter-count --as second
check "at another point" inside load netfilter-count --as sent --set place=ipv4/output/5
in_b sysctl -qw net.ipv4.icmp_ratelimit=0 2>/dev/null
send
equal "what comes in is counted" "$(counted netfilter-count | jq -c '.[] | select(.[0] == 17)')" "[17,5,165]"
equal "what goes out too" "$(counted sent | jq -c '.[] | select(.[0] == 17)')" "[17,5,165]"
refuses "a place that is none is told" 3 "is no place in netfilter" inside load netfilter-count --as third --set place=ipv4/everywhere/1
check "unload" inside unload sent
check "its place is free again" eventually inside load netfilter-count --as sent --set place=ipv4/output/5
check "unload again" inside unload sent
leaves_nothing netfilter-count
