#!/bin/bash
# A disk that fails: EIO at every call that changes files, in bpffs too, once and from then on; and an ext4 whose device runs out. A clear error, the host at N or
# N+1 by the next command at the latest, and nothing differs. STEP (default 3) walks every STEPth call only; the soak walks all.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
: "${STEP:=3}"
cc -shared -fPIC -o "$tmp/failing.so" "$top/tests/lib/failing.c" -ldl 2>"$out" || skip_all "there is no compiler"
LD_PRELOAD=$tmp/failing.so "$IOVPKG" --version >"$out" 2>&1 || skip_all "this build has AddressSanitizer"
net=iov-eio-$$
cleanup() { net_down $net; umount -l "$tmp/small/disk" "$tmp/small" 2>/dev/null; }
net_up $net
setup_registry flow-table flow-count
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
check "install" inside install flow-count --set iface=iov-b --yes
publish flow-count-1.1 || fail "publish flow-count 1.1"
version() { inside list --json | jq -r '[.modules[] | "\(.name)=\(.version)"] | sort | join(" ")'; }
failing() { local how=$1; shift; IOV_FAILING=$how IOV_FAILING_CALLS=$tmp/calls LD_PRELOAD=$tmp/failing.so in_b "$IOVPKG" --root "$tmp/host" "$@"; }

# walk NAME BEFORE AFTER UNDO COMMAND...
walk() {
	local name=$1 before=$2 after=$3 undo=$4 mode nth last status at told=0; shift 4
	failing 0 "$@" >"$out" 2>&1 || { fail "$name: with a good disk"; return; }
	last=$(cat "$tmp/calls")
	inside $undo --quiet >"$out" 2>&1
	for mode in "" +; do
		for ((nth = 1 + (${#mode} * STEP) / 2; nth <= last; nth += STEP)); do
			status=0
			failing "$nth$mode" "$@" --quiet >"$out" 2>&1 || status=$?
			[ $status -eq 0 ] || told=$((told + 1))
			case $status in 0 | 9 | 10 | 12 | 13) ;; *) fail "$name: call $nth$mode: exit $status"; return ;; esac
			[ $status -eq 0 ] || grep -q "error: .*'" "$out" || { fail "$name: call $nth$mode: the error names nothing"; return; }
			inside load nothing-of-this-name >>"$out" 2>&1
			at=$(version)
			if [ "$at" != "$before" ] && [ "$at" != "$after" ]; then fail "$name: call $nth$mode: is at '$at'"; return; fi
			inside doctor >>"$out" 2>&1 || { fail "$name: call $nth$mode: doctor finds differences at '$at'"; return; }
			[ "$at" = "$before" ] || inside $undo --quiet >>"$out" 2>&1
		done
	done
	[ $told -gt 3 ] && pass "$name: $last calls, $told of the failures told, whole after each" || fail "$name: only $told failures were told"
}
check "an upgrade, so that its archive is here" inside upgrade flow-count
check "and back" inside rollback
walk "upgrade" "flow-count=1.0.0 flow-table=1.0.0" "flow-count=1.1.0 flow-table=1.0.0" rollback upgrade flow-count --offline

# An ext4 on a device that ends before it should: the room below it is taken in steps.
if command -v mkfs.ext4 >/dev/null && mkdir "$tmp/small" && mount -t tmpfs -o size=8m small "$tmp/small" && truncate -s 32M "$tmp/small/image" &&
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -J size=1 "$tmp/small/image" 2>"$out" && mkdir "$tmp/small/disk" &&
	mount -o loop,data=ordered "$tmp/small/image" "$tmp/small/disk" 2>"$out"; then
	umount "$tmp/small/disk"
	failed=0 whole=0
	for left in 0 16 48 96 160 256 1024; do
		truncate -s 0 "$tmp/small/image" && truncate -s 32M "$tmp/small/image"
		rm -f "$tmp/small/ballast"
		mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -J size=1 "$tmp/small/image"
		mount -o loop,errors=continue "$tmp/small/image" "$tmp/small/disk"
		sync -f "$tmp/small/disk"
		dd if=/dev/zero of="$tmp/small/ballast" bs=1k 2>/dev/null
		truncate -s -"${left}k" "$tmp/small/ballast"
		small() { in_b "$IOVPKG" --root "$tmp/small/disk/host" "$@"; }
		status=0
		{ small registry add test "$registry" --yes --quiet && small install flow-count --set iface=iov-b --quiet --yes; } >"$out" 2>&1 || status=$?
		state=$(small list --json 2>/dev/null | jq -r '[.modules[].name] | join(" ")' 2>/dev/null)
		case "$status:$state" in
		"0:flow-count flow-table") whole=$((whole + 1)) ;;
		1[23]: | 6: | 11:) failed=$((failed + 1)) ;;
		*) fail "with $left KiB below it: exit $status with '$state' installed" ;;
		esac
		equal "with $left KiB below it, nothing is attached that is not installed" "$(in_b bpftool -j net show | jq '[.[] | (.xdp + .tc) | length] | add')" "$(if [ $status = 0 ]; then echo 4; else echo 2; fi)"
		rm -f "$tmp/small/ballast"
		[ $status -ne 0 ] || small remove flow-count --quiet >>"$out" 2>&1
		umount "$tmp/small/disk/host/sys/fs/bpf" 2>/dev/null
		umount -l "$tmp/small/disk"
	done
	[ $failed -ge 2 ] && pass "$failed ends of the device were told, the host as it was" || fail "only $failed were told"
	[ $whole -ge 1 ] && pass "with room enough it goes" || fail "with room enough it goes"
else
	skip "an ext4 whose device runs out" "no loop devices here"
fi
