#!/bin/bash
# kill -9 at every step of an install and of an upgrade on the live kernel; then the next command: the host is at N or N+1, bpffs and kernel agree,
# nothing is left over. Needs a build with fault points.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
. "$top/tests/soak/kernel.sh"
need_bpf
grep -q IOVPKG_FAULT "$IOVPKG" || skip_all "this build has no fault points (--enable-fault-points)"
net=iov-fault-$$
cleanup() { net_down $net; }
net_up $net
setup_registry flow-table flow-count exec-trace xdp-guard
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }

# The facts that must agree after recovery: doctor compares all of them.
agrees() { inside doctor; }

undo_install() { inside remove flow-count --quiet >>"$out" 2>&1; }
undo_upgrade() { inside rollback --quiet >>"$out" 2>&1; }
undo_remove() { inside install flow-count --set iface=iov-b --quiet >>"$out" 2>&1; }

# walk NAME UNDO BEFORE AFTER COMMAND...: kills COMMAND at its 1st, 2nd, ... step until it survives; the function UNDO undoes it.
walk() {
	local name=$1 undo=$2 before=$3 after=$4 step=1 at status died=0; shift 4
	while :; do
		status=0
		IOVPKG_FAULT=$step in_b "$IOVPKG" --root "$tmp/host" "$@" >"$out" 2>&1 || status=$?
		[ $status -eq 137 ] || break
		died=$((died + 1))
		inside load nothing-of-this-name >>"$out" 2>&1
		at=$(version)
		if [ "$at" != "$before" ] && [ "$at" != "$after" ]; then fail "$name: killed at step $step, is at '$at'"; return; fi
		agrees >>"$out" 2>&1 || { fail "$name: killed at step $step (at '$at')"; return; }
		[ "$at" = "$before" ] || $undo
		step=$((step + 1))
	done
	if [ $status -eq 0 ] && [ "$(version)" = "$after" ] && agrees >>"$out" 2>&1 && [ $died -gt 5 ]; then pass "$name: whole after each of $died kills"; else fail "$name: exit $status at step $step after $died kills"; fi
}
version() { inside list --json | jq -r '[.modules[] | "\(.name)=\(.version)"] | sort | join(" ")'; }

kernel_before
walk "install" undo_install "" "flow-count=1.0.0 flow-table=1.0.0" install flow-count --set iface=iov-b
undo_install
kernel_clean "nothing is left in the kernel"

# A set, whose hooks one store moves: traffic control, XDP and a tracepoint, two modules of it with the same programs in another release.
check "install for the upgrade" inside install flow-count --set iface=iov-b
check "and XDP" inside install xdp-guard --set iface=iov-b
check "and a tracepoint" inside install exec-trace
publish flow-count-1.1 || fail "publish flow-count 1.1"
for one in xdp-guard exec-trace; do
	cp -r "$top/bpf-samples/$one" "$tmp/$one"
	sed -i 's/^version: .*/version: 1.1.0/' "$tmp/$one/iov.yaml"
	publish "$tmp/$one" || fail "publish $one 1.1"
done
set="exec-trace=1.0.0 flow-count=1.0.0 flow-table=1.0.0 xdp-guard=1.0.0" upgraded="exec-trace=1.1.0 flow-count=1.1.0 flow-table=1.0.0 xdp-guard=1.1.0"
walk "upgrade" undo_upgrade "$set" "$upgraded" upgrade
walk "remove" undo_remove "$upgraded" "exec-trace=1.1.0 xdp-guard=1.1.0" remove flow-count
check "remove the rest" inside remove exec-trace xdp-guard
kernel_clean "nothing is left in the kernel at the end"
