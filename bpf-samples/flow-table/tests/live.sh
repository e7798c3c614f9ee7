#!/bin/bash
# A table of the size asked for, one for all who import it, which outlives them.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-table flow-table flow-count flow-top
flows() { entries flow-table flows | jq length; }
# Always from the same port, so that each port it goes to is one flow.
send() { in_a perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 5000, PeerAddr => "10.77.2.2:$ARGV[1]") or die; print $s "x" for 1 .. $ARGV[0]' "$1" "$2"; }
packets() { flow 10.77.1.1 10.77.2.2 17 "$1" | jq '.[0]'; }

check "install with a size" inside install flow-table --set max_flows=4
equal "the table has it" "$(map_info flow-table flows | jq .max_entries)" 4
equal "the module is a map and nothing else" "$(cd "$pinned/flow-table" && find . -mindepth 2)" ./maps/flows
equal "which is empty" "$(flows)" 0

check "two importers" inside install flow-count flow-top --set iface=iov-b
id=$(map_info flow-table flows | jq .id)
for program in flow-count/progs/count_in flow-count/progs/count_out flow-top/progs/rank_flows; do
	equal "$program has that very map" "$(bpftool -j prog show pinned "$pinned/$program" | jq ".map_ids | index($id) != null")" true
done
check "no importer has a copy" test ! -e "$pinned/flow-count/maps/flows" -a ! -e "$pinned/flow-top/maps/flows"

for port in 4001 4002 4003 4004 4005 4006; do send 3 $port; done
equal "when it is full, new flows are not recorded" "$(flows) $(packets 4004) $(packets 4005)" "4 3 null"
send 2 4001
equal "known ones go on" "$(packets 4001)" 5

refuses "it stays while it has importers" 5 "flow-count" inside remove flow-table
check "an importer goes" inside remove flow-count
check "the other goes" inside remove flow-top
equal "the entries stay" "$(flows) $(packets 4001)" "4 5"
equal "in the same map" "$(map_info flow-table flows | jq .id)" "$id"
leaves_nothing flow-table

check "install without a size" inside install flow-table
equal "the table has 65536 entries" "$(map_info flow-table flows | jq .max_entries)" 65536
megabytes=$(map_info flow-table flows | jq '.bytes_memlock / 1000000 | round')
# Before 6.4 the kernel counts the elements alone.
[ "$(printf '6.4\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.4 ] && least=7 || least=4
if [ "$megabytes" -ge $least ] && [ "$megabytes" -le 11 ]; then pass "which take about 9 MB"; else fail "which take about 9 MB, not $megabytes"; fi
leaves_nothing flow-table
