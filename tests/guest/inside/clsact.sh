#!/bin/bash
# A kernel without TCX (Debian 12's own 6.1): the same manifest gets clsact by itself; upgrade, rollback and remove leave nothing behind.
. "$(dirname "$0")/../../lib/sample.sh"
sample_up iov-clsact flow-table flow-count
filters() { in_b bpftool -j net show dev iov-b | jq '[.[].tc | length] | add'; }
in_flows() { entries flow-table flows | jq 'map(.value.packets) | add // 0'; }
status_of() { inside status --json | jq -r "[.instances[] | select(.name == \"flow-count\") | $1] | unique | join(\",\")"; }

check "install" inside install flow-count --set iface=iov-b
equal "through clsact" "$(status_of '.hooks[] | select(.attached).hook')" clsact
equal "two filters on the interface" "$(filters)" 2
check "packets pass" in_a ping -q -c 5 -i 0.2 -W 2 10.77.0.2
equal "and are counted" "$(in_flows)" 10
check "1.1 is published" publish flow-count-1.1
send_udp 2000 4000 &
check "upgrade under traffic" inside upgrade flow-count
wait
equal "to 1.1.0" "$(status_of .version)" 1.1.0
equal "still two filters" "$(filters)" 2
equal "nothing was missed, flows are kept" "$(in_flows)" 2010
check "rollback" inside rollback
equal "still two filters after the rollback" "$(filters)" 2
leaves_nothing flow-count flow-table
equal "no filter is left" "$(filters)" 0
