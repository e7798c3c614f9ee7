#!/bin/bash
# kill -9 at every step of an install and of an upgrade on the live kernel; then the next command: the host is at N or N+1, bpffs and kernel agree,
# nothing is left over. Needs a build with fault points.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
grep -q IOVPKG_FAULT "$IOVPKG" || skip_all "this build has no fault points (--enable-fault-points)"
cleanup() { net_down iov-fault; }
cleanup
net_up iov-fault
setup_registry flow-table flow-count exec-trace xdp-guard
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
live=$tmp/host/sys/fs/bpf/iovpkg

# Ids of our programs, links and maps; only what is pinned below this root may exist after a command.
ids() { for kind in prog link map; do bpftool -j $kind show 2>/dev/null | jq -r --arg k $kind '.[] | select((.name // "") | test("^(count_in|count_out|guard|on_exec|exec_|flows|totals|blocked|verdicts|iov_entry)")) | "\($k) \(.id) \(.name)"'; done | sort; }
# The kernel frees what is detached a grace period later.
nothing_left() { for _ in {1..20}; do [ "$(ids)" = "$none" ] && break; sleep 0.1; done; equal "$1" "$(ids)" "$none"; }

# The facts that must agree after recovery; says what does not.
agrees() {
	local problems=0 expected pinned
	[ ! -e "$tmp/host/var/lib/iovpkg/journal" ] || { echo "a journal is left"; problems=1; }
	[ -z "$(ls -A "$live/staging" 2>/dev/null)" ] || { echo "staging is left: $(ls "$live/staging")"; problems=1; }
	expected=$(inside status --json | jq -r '.instances[].name' | sort)
	pinned=$(find "$live/live" -mindepth 1 -maxdepth 1 ! -name 'generation_*' -printf '%f\n' 2>/dev/null | sort)
	[ "$pinned" = "$expected" ] || { echo "live has $pinned, status says $expected"; problems=1; }
	[ "$(inside status --json | jq '[.instances[].hooks[] | select(.attached | not)] | length')" = 0 ] || { echo "a hook is not attached"; problems=1; }
	for pin in "$live"/live/*/progs/*; do
		[ -e "$pin" ] || continue
		bpftool -j prog show pinned "$pin" >/dev/null || { echo "$pin is no program"; problems=1; }
	done
	return $problems
}

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

inside status >/dev/null
none=$(ids)
walk "install" undo_install "" "flow-count=1.0.0 flow-table=1.0.0" install flow-count --set iface=iov-b
undo_install
nothing_left "nothing is left in the kernel"

check "install for the upgrade" inside install flow-count --set iface=iov-b
check "and one more" inside install exec-trace
publish flow-count-1.1 || fail "publish flow-count 1.1"
walk "upgrade" undo_upgrade "exec-trace=1.0.0 flow-count=1.0.0 flow-table=1.0.0" "exec-trace=1.0.0 flow-count=1.1.0 flow-table=1.0.0" upgrade flow-count
walk "remove" undo_remove "exec-trace=1.0.0 flow-count=1.1.0 flow-table=1.0.0" "exec-trace=1.0.0" remove flow-count
check "remove the rest" inside remove exec-trace
nothing_left "nothing is left in the kernel at the end"
