#!/bin/bash
# What 1.1 has and 1.0 has not: counts by protocol, flows behind a VLAN tag; an upgrade keeps what 1.0 counted.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-next flow-table flow-count
totals() { entries flow-count totals | jq -c 'map(.value.packets)'; }
protocol() { entries flow-count protocols | jq -c --argjson number "$1" '.[$number].value | [.packets, .bytes]'; }
# send_tagged COUNT TAG...: datagrams from 10.78.0.1 to 10.78.0.2 behind these VLAN tags, byte by byte: no VLAN device is needed.
send_tagged() {
	in_a perl -e '
		my ($index, $to, $count, @tags) = @ARGV;
		my $ip = pack("CCnnnCCnC4C4", 0x45, 0, 29, 0, 0, 64, 17, 0, 10, 78, 0, 1, 10, 78, 0, 2);
		my $udp = pack("nnnna", 5000, 4100, 9, 0, "x");
		my $frame = pack("H12H12", $to, "020000000001") . join("", map { pack("nn", 0x8100, $_) } @tags) . pack("n", 0x0800) . $ip . $udp;
		socket(my $socket, 17, 3, 0) or die $!; # AF_PACKET, SOCK_RAW
		send($socket, $frame, 0, pack("SniSCCa8", 17, 0x8100, $index, 0, 0, 0, "")) // die $! for 1 .. $count;
	' "$(in_a ip -j link show iov-a | jq '.[0].ifindex')" "$(net_mac b | tr -d :)" "$@"
}

check "install 1.0" inside install flow-count --set iface=iov-b
send_udp 10 4000
send_tagged 5 7
equal "1.0 has tagged packets in totals" "$(totals)" "[15,0]"
equal "and not in flows" "$(flow 10.78.0.1 10.78.0.2 17)" "[null,null]"
check "and no protocols" test ! -e "$pinned/flow-count/maps/protocols"

check "1.1 is published" publish flow-count-1.1
send_udp 20000 4001 &
check "upgrade under traffic" inside upgrade flow-count
wait
equal "flows missed nothing" "$(flow 10.77.1.1 10.77.2.2 17 4001 | jq '.[0]')" 20000
equal "flows keep their entries" "$(flow 10.77.1.1 10.77.2.2 17 4000)" "[10,430]"
equal "totals keep theirs, and missed nothing" "$(totals)" "[20015,0]"

before=$(protocol 17)
before_udp=$(jq '.[0]' <<<"$before")
send_udp 30 4002
equal "protocols[17] counts UDP" "$(protocol 17)" "$(jq -c '[.[0] + 30, .[1] + 30 * 43]' <<<"$before")"
check "ping" in_a ping -q -c 3 -i 0.02 -W 1 10.77.0.2
equal "protocols[1] counts ICMP, both ways" "$(protocol 1 | jq '.[0]')" 6
equal "nothing else was sent" "$(entries flow-count protocols | jq -c '[.[] | select(.value.packets > 0).key]')" "[1,17]"

before=$(totals)
send_tagged 6 7
equal "packets with a tag are flows" "$(flow 10.78.0.1 10.78.0.2 17 4100)" "[6,$((6 * 43))]"
equal "and in protocols" "$(protocol 17 | jq '.[0]')" $((before_udp + 36))
send_tagged 4 7 8
equal "with two they are not" "$(flow 10.78.0.1 10.78.0.2 17 4100 | jq '.[0]')" 6
equal "but all are in totals" "$(totals)" "$(jq -c '.[0] += 10' <<<"$before")"

check "rollback" inside rollback
equal "1.0 runs again" "$(inside status --json | jq -r '.instances[] | select(.name == "flow-count").version')" 1.0.0
equal "and has its flows" "$(flow 10.77.1.1 10.77.2.2 17 4000)" "[10,430]"
leaves_nothing flow-count flow-table
