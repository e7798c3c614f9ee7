#!/bin/bash
# What proof.service runs in the guest of tests/guest/systemd.sh: on the first boot it installs modules, counts packets and turns the machine off; on the
# second it looks at what came up. `late0` is an interface that the host's network makes after iovpkg.service has run.
exec >/dev/ttyS1 2>&1
number=0
result() { number=$((number + 1)); if [ "$2" = "$3" ]; then echo "ok $number - $1"; else printf 'not ok %s - %s\n#2 was: %s\n#2 not: %s\n' $number "$1" "$2" "$3"; fi; }
works() { local name=$1; shift; "$@" >/tmp/words 2>&1; result "$name" $? 0; sed "s/^/#2 /" /tmp/words; }
active() { systemctl is-active "$@" | paste -sd ' '; }
packets() { bpftool -j map dump pinned /sys/fs/bpf/iovpkg/live/watched/maps/totals | jq '[.[].formatted.values[].value.packets] | add'; }
attached() { iovpkg status --json | jq '[.instances[].hooks[] | select(.attached)] | length'; }
send() { local i; for ((i = 0; i < $1; i++)); do echo >/dev/udp/127.0.0.1/4000; done 2>/dev/null; }
export NO_COLOR=1
echo "#kernel $(uname -rv)"
if [ ! -e /disk/packets ]; then
	result "a host without modules starts" "$(active iovpkg.service iovpkg-online.service iovpkg-save.timer)" "active active active"
	works "registry" iovpkg registry add test /disk/registry.git --yes
	works "install, with maps that persist" iovpkg install watched --set iface=lo
	works "install at the late interface" iovpkg install xdp-guard --set iface=late0
	send 100
	works "the timer's service saves" systemctl start iovpkg-save.service
	send 50
	packets >/disk/packets
	result "packets are counted" "$(($(cat /disk/packets) >= 150))" 1
	echo "#down"
else
	result "the units of a host with modules are up" "$(active iovpkg.service iovpkg-online.service iovpkg-save.timer)" "active active active"
	result "both are attached, the one at the late interface too" "$(attached)" 2
	result "the first boot's packets are still counted, those after the last save too" "$(($(packets) >= $(cat /disk/packets)))" 1
	result "iovpkg.service told what had to wait" "$(systemctl show -P ExecMainStatus iovpkg.service)" 18
	result "none of ours failed" "$(systemctl --failed --plain --no-legend 'iovpkg*')" ""
	result "the next save is planned" "$(systemctl show -P ActiveState iovpkg-save.timer)" active
	journalctl -b -u 'iovpkg*' --no-pager -o cat 2>/dev/null | sed 's/^/#2 /'
	echo "#end systemd 0 $SECONDS"
fi
sync
systemctl poweroff
