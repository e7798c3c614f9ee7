#!/bin/bash
# The main job on the live kernel, under real traffic: install with shared maps, count, drop, trace, upgrade, roll back, remove.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
cleanup() { net_down iov-main; }
cleanup
net_up iov-main
setup_registry flow-table flow-count flow-top xdp-guard exec-trace switch-count
packets=${IOV_TEST_PACKETS:-300000} # sent during an upgrade; fewer where the machine is emulated
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
pinned=$tmp/host/sys/fs/bpf/iovpkg/live
status_json() { inside status --json; }
flows_to() { # packets counted for datagrams to a port
	bpftool -j map dump pinned "$pinned/flow-table/maps/flows" |
		jq "[.[].formatted | select(.key.dport == $1 or .key.dport == $((($1 & 255) << 8 | $1 >> 8))) | .value.packets] | add // 0"
}

says "search lists the modules" flow-count host search
says "info shows the parameters" iface host info flow-count
says "a dry run shows the plan" flow-table inside install flow-count --set iface=iov-b --dry-run
equal "a dry run changes nothing" "$(host list --json | jq '.modules | length')" 0
check "install brings the provider along" inside install flow-count --set iface=iov-b
check "install flow-top" inside install flow-top --set iface=iov-b
check "install xdp-guard" inside install xdp-guard --set iface=iov-b
check "install exec-trace" inside install exec-trace
check "install switch-count" inside install switch-count
says "a second install is a no-op" "" inside install flow-count --set iface=iov-b --json
equal "and says so" "$(jq .changed "$out")" false

send_udp 5000 4000
equal "every datagram is in the shared map" "$(flows_to 4000)" 5000
equal "both tc hooks are attached" "$(status_json | jq '[.instances[] | select(.name == "flow-count") | .hooks[] | select(.attached and (.hook | test("tcx|clsact")))] | length')" 2
equal "flow-count and flow-top share flows" "$(status_json | jq -c '[.instances[] | .maps[] | select(.name == "flows") | .importers[].instance] | sort')" '["flow-count","flow-top"]'
says "status is a table" flow-count inside status

# bpftool's view must be ours.
for pin in "$pinned"/{flow-count,xdp-guard}/links/*; do
	[ -e "$pin" ] || continue # clsact has none
	id=$(bpftool -j link show pinned "$pin" | jq -s 'flatten[0].prog_id')
	equal "bpftool: ${pin##*/} runs what status says" "$(status_json | jq "[.instances[].hooks[] | select(.prog_id == $id)] | length")" 1
done
map_id=$(bpftool -j map show pinned "$pinned/flow-table/maps/flows" | jq .id)
equal "bpftool: flows is the map that status says" "$(status_json | jq '.instances[] | select(.name == "flow-table") | .maps[] | select(.name == "flows") | .id')" "$map_id"
users=$(for p in "$pinned"/flow-count/progs/* "$pinned"/flow-top/progs/*; do bpftool -j prog show pinned "$p" | jq ".map_ids | index($map_id) != null"; done | sort -u)
equal "bpftool: every importer's program uses that very map" "$users" true

cp "$(type -P true)" "$tmp/witness"
(sleep 0.7; "$tmp/witness") &
says "exec-trace reports programs as they start" "$tmp/witness" sh -c "timeout -s INT 3 '$IOVPKG' --root '$tmp/host' events exec-trace; true"
wait
(for _ in 1 2 3 4 5 6; do sleep 0.3; send_udp 200 4100; done) &
check "flow-top reports the top talkers" timeout 20 "$IOVPKG" --root "$tmp/host" events flow-top --count 1 --json
wait

check "ping passes" in_a ping -q -c 2 -i 0.05 -W 1 10.77.0.2
bpftool map update pinned "$pinned/xdp-guard/maps/blocked" key hex 20 00 00 00 0a 4d 00 01 value hex 00 00 00 00 00 00 00 00 2>"$out" || fail "blocking a source"
if in_a ping -q -c 2 -i 0.05 -W 1 10.77.0.2 >"$out" 2>&1; then fail "a blocked source is dropped"; else pass "a blocked source is dropped"; fi
bpftool map delete pinned "$pinned/xdp-guard/maps/blocked" key hex 20 00 00 00 0a 4d 00 01
check "and passes again when unblocked" in_a ping -q -c 2 -i 0.05 -W 1 10.77.0.2

# Upgrade under traffic: nothing missed, the shared map keeps its entries.
publish flow-count-1.1 || fail "publish flow-count 1.1"
before=$(flows_to 4000)
send_udp "$packets" 4001 &
check "upgrade under traffic" inside upgrade flow-count
wait
equal "version 1.1 runs" "$(status_json | jq -r '.instances[] | select(.name == "flow-count") | .version')" 1.1.0
equal "the upgrade missed nothing" "$(flows_to 4001)" "$packets"
equal "shared entries are kept" "$(flows_to 4000)" "$before"
send_udp "$packets" 4002 &
check "rollback under traffic" inside rollback
wait
equal "version 1.0 runs again" "$(status_json | jq -r '.instances[] | select(.name == "flow-count") | .version')" 1.0.0
equal "the rollback missed nothing" "$(flows_to 4002)" "$packets"

says "verify shows the chain" flow-count host verify flow-count
refuses "a provider is not taken from its importers" 5 "flow-count" inside remove flow-table
says "importers go first" flow-top inside remove flow-count flow-top flow-table
check "remove the rest" inside remove xdp-guard exec-trace switch-count
equal "bpffs is clean" "$(pins | grep -v generation_ | grep -cE '/(live|staging)/.')" 0
equal "nothing is attached to the interface" "$(in_b bpftool -j net show dev iov-b | jq '[.[] | (.xdp + .tc) | length] | add')" 0
