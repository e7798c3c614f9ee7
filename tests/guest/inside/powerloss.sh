#!/bin/bash
# In the guest of tests/soak/powerloss: comes up from the disk, checks that the host is whole and where it may be, then changes it until the power goes.
# Says "#at GENERATION STATE" when the host is there for good, and "#to STATE" when a command is on its way there.
. "$(dirname "$0")/../../lib/test.sh"
. "$top/tests/lib/net.sh"
disk=$1 host_root=$1/host
. "$top/tests/soak/facts.sh"
inside() { in_b "$IOVPKG" --root "$host_root" "$@"; }
word() { sed -n "s/.*iov\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
first="exec-trace=1.0.0 flow-count=1.0.0 flow-table=1.0.0 xdp-guard=1.0.0"
declare -A holds=([none]="" [trace]="exec-trace=1.0.0" [first]="$first" [more]="${first/xdp/switch-count=1.0.0 xdp}"
	[upgraded]="exec-trace=1.0.0 flow-count=1.1.0 flow-table=1.0.0 xdp-guard=1.1.0")
# The name of what is installed.
state_now() {
	local name modules
	modules=$(jq -r '[.modules[] | "\(.name)=\(.version)"] | sort | join(" ")' <<<"$list")
	for name in "${!holds[@]}"; do [ "${holds[$name]}" != "$modules" ] || { echo "$name"; return; }; done
	echo "unknown: $modules"
}

mkdir -p "$disk"
mount -t ext4 /dev/vdc "$disk" || { fail "the disk"; exit 1; }
net_up iov-power
pending=$([ -e "$state/journal" ] && echo yes)
at=$(word at) to=$(word to)
was=$(readlink "$state/current" | sed 's#.*/##')
if "$IOVPKG" help restore >/dev/null 2>&1; then check "restore" inside restore; else inside load nothing-of-this-name >"$out" 2>&1; fi
check "the host answers" facts
now=$(state_now)
generation=$(jq .generation <<<"$list")
if [ -n "$at" ]; then
	echo "# was to be at $at or $to, came up with generation ${was:-0}${pending:+ and a journal}, is at $generation:$now"
	if [ "$now" = "${at#*:}" ] && [ "$generation" -eq "${at%%:*}" ]; then pass "the host is at N"
	elif [ "$now" = "$to" ] && [ "$generation" -gt "${at%%:*}" ]; then pass "the host is at N+1"
	else fail "the host is at $generation:$now, neither at $at nor at $to"; fi
	equal "what the disk had is what runs" "$generation" "${was:-0}"
	check "bpffs, kernel, status, lock and journal agree" agrees
	[ "$now" = none ] || check "every release and every object is what its record says" inside verify
	[ "$now" = none ] || [ "$now" = trace ] || equal "packets are counted" "$(before=$(bpftool -j map dump pinned "$bpffs/live/flow-count/maps/totals" | jq '.[0].formatted.value.packets'); send_udp 20 4000
		echo $(($(bpftool -j map dump pinned "$bpffs/live/flow-count/maps/totals" | jq '.[0].formatted.value.packets') - before)))" 20
fi
[ $tap_failed -eq 0 ] || exit 1
echo "#at $generation $now"

RANDOM=$((generation + SRANDOM % 1000))
while :; do
	case $now in
	none) to=trace words=(install exec-trace) ;;
	trace) to=first words=(install "flow-count@=1.0.0" "xdp-guard@=1.0.0" --set iface=iov-b) ;;
	first) if [ $((RANDOM % 2)) -eq 0 ]; then to=upgraded words=(install "flow-count@=1.1.0" "xdp-guard@=1.1.0"); else to=more words=(install switch-count); fi ;;
	more) to=first words=(remove switch-count) ;;
	upgraded) to=first words=(rollback) ;;
	esac
	echo "#to $to"
	inside "${words[@]}" --quiet >"$out" 2>&1 || { fail "${words[*]} (exit $?)"; exit 1; }
	now=$to
	echo "#at $(readlink "$state/current" | sed 's#.*/##') $now"
done
