#!/bin/bash
# A host that goes down and comes up again: what ran runs, and maps under 'persist' have their entries.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
ns=iov-r$$
cleanup() { net_down "$ns"; }
net_up "$ns"
host() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
live=$tmp/host/sys/fs/bpf/iovpkg/live
saved=$tmp/host/var/lib/iovpkg/saved
# A boot as far as iovpkg can tell: bpffs and all that it held are gone, for which the kernel takes its time, filters (clsact) too, and the journal is of
# another boot.
reboot() {
	umount "$tmp/host/sys/fs/bpf"
	in_b tc qdisc del dev iov-b clsact 2>/dev/null
	for _ in {1..40}; do in_b ip link show iov-b | grep -q 'prog/xdp' || break; sleep 0.05; done
}
packets() { bpftool -j map dump pinned "$live/watched/maps/totals" | jq '[.[].formatted.values[].value.packets] | add'; }
port() { bpftool -j map dump pinned "$live/watched/maps/by_port" | jq "[.[].formatted | select(.key.port == $1) | .value] | add"; }

cp -r "$top/tests/modules/watched" "$tmp/watched"
sed -i '/^health:/,$d' "$tmp/watched/iov.yaml"
echo 'maps: {persist: [totals, by_port, .bss]}' >>"$tmp/watched/iov.yaml"
setup_registry xdp-guard
check "publish a module whose maps persist" publish "$tmp/watched"
says "restore on a host without modules" "0 of 0 instances" host restore
check "install it" host install watched --set iface=iov-b
check "and a neighbour" host install xdp-guard --set iface=iov-b
send_udp 1000 4000
send_udp 500 4001
equal "traffic is counted" "$(packets) $(port 4000) $(port 4001)" "1500 1000 500"
says "restore of a host that is up does nothing" "2 of 2 instances are up" host restore
says "save tells what it saved" "by_port" host save
equal "three files" "$(cd "$saved" && ls watched | tr '\n' ' ')" "bss.map by_port.map totals.map "
before=$(bpftool -j map dump pinned "$live/watched/maps/by_port" | jq -cS '[.[].formatted] | sort')

reboot
equal "restore after a boot brings all up" "$(host restore --json --quiet | jq -c '[.complete, .changed, (.instances | length)]')" "[true,true,2]"
equal "the entries are back" "$(bpftool -j map dump pinned "$live/watched/maps/by_port" | jq -cS '[.[].formatted] | sort')" "$before"
equal "and the sum over all CPUs" "$(packets)" 1500
send_udp 100 4000
equal "counting goes on from there" "$(packets) $(port 4000)" "1600 1100"
equal "the neighbour is attached again" "$(host status --json | jq '[.instances[].hooks[] | select(.attached)] | length')" 2

# An upgrade changes a layout, and the power goes before the next save: what was saved is converted.
host save --quiet
cp -r "$tmp/watched" "$tmp/watched-1.1"
sed -i 's/^version: .*/version: 1.1.0/; s/^maps: {/&upgrade: {totals: {on_change: migrate, merge: sum}}, /' "$tmp/watched-1.1/iov.yaml"
sed -i '/^struct total/,/^}/{s/__u64 packets;/__u32 since;/;s/__u64 bytes;/__u64 bytes;\n\t__u64 packets;/}' "$tmp/watched-1.1/src/watched.bpf.c"
check "publish another layout" publish "$tmp/watched-1.1"
check "upgrade to it" host upgrade watched
reboot
# As the systemd unit does: with its capabilities alone.
wanted=$(sed -n 's/^CapabilityBoundingSet=//p' "$top/systemd/iovpkg.service.in" | tr 'A-Z' 'a-z' | sed 's/cap_//g')
others=$(setpriv --list-caps | grep -vxF "$(tr ' ' '\n' <<<"$wanted")" | sed 's/^/-/' | paste -sd,)
check "restore with the unit's capabilities" in_b setpriv --bounding-set "$others" --no-new-privs "$IOVPKG" --root "$tmp/host" restore
equal "the entries have the new layout" "$(packets) $(port 4000)" "1600 1100"
check "save with them" in_b setpriv --bounding-set "$others" --no-new-privs "$IOVPKG" --root "$tmp/host" save

# What is damaged is told, kept, and not used.
printf 'x' | dd of="$saved/watched/totals.map" bs=1 seek=300 conv=notrunc status=none
reboot
says "a damaged file is told" "totals.map' is damaged: its digest is another" host restore
also "and kept" "totals.bad'"
equal "its map starts empty, the others do not" "$(packets) $(port 4000)" "0 1100"

# What cannot come up is left out, and the exit code says so.
reboot
in_b sh -c "ip link set iov-b down && ip link set iov-b name iov-c" # before 6.2 none that is up can be renamed
refuses "an interface that is not there" 18 "down: program 'count_in' of 'watched' is not attached to 'iov-b'" host restore
also "the reason is told" "program 'count_in' of 'watched' is not attached: interface 'iov-b' not found"
refuses "a second restore says the same" 18 "0 of 2 instances are up" host restore
in_b sh -c "ip link set iov-c name iov-b && ip link set iov-b up"
reboot
check "and when it is there again" host restore

check "removing the module" host remove watched
equal "takes its saved maps along" "$(ls "$saved" 2>/dev/null | wc -l)" 0
says "nothing is left to save" "nothing to save" host save
