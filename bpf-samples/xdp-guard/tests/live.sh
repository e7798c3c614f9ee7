#!/bin/bash
# Drops by source prefix, counted by the longest that matches; everything else passes.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-guard xdp-guard
key() { local length=$1; shift; echo "$length 0 0 0 $*"; } # the length is 4 bytes in this machine's order
[ "$(printf '\1\0' | od -An -tu2 | tr -d ' ')" = 1 ] || key() { local length=$1; shift; echo "0 0 0 $length $*"; }
# shellcheck disable=SC2046
block() { bpftool map update pinned "$pinned/xdp-guard/maps/blocked" key $(key "$@") value 0 0 0 0 0 0 0 0; }
# shellcheck disable=SC2046
unblock() { bpftool map delete pinned "$pinned/xdp-guard/maps/blocked" key $(key "$@"); }
hits() { entries xdp-guard blocked | jq --argjson length "$1" '.[] | select(.key.length == $length).value.dropped'; }
verdicts() { entries xdp-guard verdicts | jq -c '.[0].values | map(.value) | [(map(.passed) | add), (map(.dropped) | add)]'; }
pings() { in_a ping -q -c "$1" -i 0.02 -W 1 -I "$2" 10.77.0.2; }
stopped() { ! pings "$@"; }
in_b ip route add 10.77.1.1/32 dev iov-b
in_b ip neigh replace 10.77.1.1 lladdr "$(net_mac a)" dev iov-b nud permanent

check "install" inside install xdp-guard --set iface=iov-b --set max_prefixes=100
equal "the table has the size asked for" "$(map_info xdp-guard blocked | jq .max_entries)" 100
check "with nothing blocked all passes" pings 3 10.77.0.1
equal "and is counted" "$(verdicts)" "[3,0]"

check "block an address" block 32 10 77 0 1
check "nothing of it arrives" stopped 2 10.77.0.1
equal "its drops are counted" "$(hits 32) $(verdicts)" "2 [3,2]"
check "its neighbours pass" pings 2 10.77.1.1

check "block a /16 that holds both" block 16 10 77 0 0
check "and a /24 that holds the neighbour" block 24 10 77 1 0
send_udp 10 4000 # from 10.77.1.1
equal "the longest prefix counts" "$(hits 32) $(hits 24) $(hits 16)" "2 10 0"
check "the /24 goes" unblock 24 10 77 1 0
send_udp 5 4000
equal "now the /16 counts" "$(hits 32) $(hits 16)" "2 5"
check "the address goes" unblock 32 10 77 0 1
check "the /16 covers it too" stopped 1 10.77.0.1
equal "and counts it" "$(hits 16)" 6
equal "all drops, all passed" "$(verdicts)" "[5,18]"

in_a ip neigh del 10.77.0.2 dev iov-a
in_b ip neigh flush dev iov-b
resolves() { in_a ip neigh show 10.77.0.2 | grep -q "$(net_mac b)"; }
check "what is not IPv4 passes: ARP is answered" eventually eval 'stopped 1 10.77.0.1 && resolves'

check "the /16 goes" unblock 16 10 77 0 0
check "all passes again" pings 3 10.77.0.1
leaves_nothing xdp-guard
