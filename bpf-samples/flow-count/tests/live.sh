#!/bin/bash
# Packets and bytes of every flow, both ways, to the last one; the interface's own counters are the measure.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-count flow-table flow-count
totals() { entries flow-count totals | jq -c 'map(.value) | [.[0].packets, .[0].bytes, .[1].packets, .[1].bytes]'; }
minus() { jq -nc --argjson one "$1" --argjson other "$2" '[$one, $other] | transpose | map(.[0] - .[1])'; }
# Frames of Ethernet: a datagram of one byte has 14 + 20 + 8 + 1.
datagram=43 ping=142

check "install" inside install flow-count@~1.0 --set iface=iov-b
start=$(interface_counters)
totals_are_exact() { equal "totals are the interface's own: $1" "$(totals)" "$(minus "$(interface_counters)" "$start")"; }

send_udp 20 4000
equal "UDP in" "$(flow 10.77.1.1 10.77.2.2 17 4000)" "[20,$((20 * datagram))]"
equal "in totals too" "$(totals)" "[20,$((20 * datagram)),0,0]"
in_a timeout 10 perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 4001) or die; print "up\n"; STDOUT->flush; $s->recv(my $x, 9) for 1 .. 7' >"$tmp/sink" &
eventually test -s "$tmp/sink"
in_b bash -c 'exec 3>/dev/udp/10.77.0.1/4001; for i in {1..7}; do echo >&3; done'
wait
equal "UDP out" "$(flow 10.77.0.2 10.77.0.1 17 4001)" "[7,$((7 * datagram))]"
totals_are_exact UDP

check "ping" in_a ping -q -c 5 -i 0.02 -s 100 -W 1 10.77.0.2
equal "ICMP in" "$(flow 10.77.0.1 10.77.0.2 1)" "[5,$((5 * ping))]"
equal "ICMP out" "$(flow 10.77.0.2 10.77.0.1 1)" "[5,$((5 * ping))]"
totals_are_exact ICMP

before=$(interface_counters)
in_b timeout 10 perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 4002) or die; print "up\n"; STDOUT->flush; my $c = $s->accept; 1 while read($c, my $x, 65536); print $c "z" x 5000' >"$tmp/server" &
eventually test -s "$tmp/server"
in_a timeout 10 perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("10.77.0.2:4002") or die; print $s "a" x 300000; $s->shutdown(1); 1 while read($s, my $x, 65536)'
wait
tcp=$(minus "$(interface_counters)" "$before")
equal "TCP in" "$(flow 10.77.0.1 10.77.0.2 6 4002)" "$(jq -c '.[:2]' <<<"$tcp")"
equal "TCP out" "$(flow 10.77.0.2 10.77.0.1 6)" "$(jq -c '.[2:]' <<<"$tcp")"
check "which is what was sent and more, for the headers" jq -e '.[1] > 300000 and .[3] > 5000' <<<"$tcp"
totals_are_exact TCP

flows=$(entries flow-table flows | jq length)
in_a ip neigh del 10.77.0.2 dev iov-a
check "ARP, which is no IP" in_a ping -q -c 1 -W 2 10.77.0.2
equal "is no flow" "$(entries flow-table flows | jq length)" "$flows"
totals_are_exact ARP

equal "a flow knows when it was seen" "$(entries flow-table flows | jq 'all(.value.first_seen_ns > 0 and .value.last_seen_ns >= .value.first_seen_ns)')" true

six() { net_set "$1" "ipv6/conf/iov-$1/disable_ipv6" 0 && "in_$1" ip addr add "fd77::$2/64" dev iov-"$1" nodad; }
if six a 1 2>/dev/null && six b 2 2>/dev/null; then
	check "ping over IPv6" in_a ping -q -c 4 -i 0.02 -W 2 fd77::2
	equal "is a flow too" "$(entries flow-table flows | jq -c 'map(select(.key.proto == 58 and .key.saddr == [253,119,0,0,0,0,0,0,0,0,0,0,0,0,0,1]
		and .key.daddr == [253,119,0,0,0,0,0,0,0,0,0,0,0,0,0,2]).value.packets) | add >= 4')" true
else
	skip "a flow over IPv6" "the kernel has no IPv6"
fi
leaves_nothing flow-count flow-table
