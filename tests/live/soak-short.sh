#!/bin/bash
# The short form of the long runs (tests/soak, docs/soak.md): upgrades under traffic, and kills at random instants with a seed of their own.
. "$(dirname "$0")/../lib/test.sh"
need_bpf
for tool in cc jq bpftool; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done

# soaked NAME COMMAND...: its own lines of TAP count as one; a skip of its is one here.
soaked() {
	local name=$1 status=0 reason; shift
	"$@" >"$out" 2>&1 || status=$?
	reason=$(sed -n 's/^ok .*# SKIP //p' "$out" | head -n 1)
	sed -n 's/^# result: /# /p' "$out"
	if [ -n "$reason" ] && ! grep -q '^# result: ' "$out"; then skip "$name" "$reason"; elif [ $status -eq 0 ]; then pass "$name"; else fail "$name"; fi
}
soaked "50 upgrades under traffic miss nothing" "$top/tests/soak/upgrades" 50
soaked "no packet meets two releases in 50 upgrades of XDP and tcx" "$top/tests/soak/mix" 50 2
soaked "few packets do where the modules use XDP metadata themselves" "$top/tests/soak/mix" 50 2 metadata
soaked "few packets do on a path of five modules" "$top/tests/soak/mix" 50 5
soaked "50 upgrades at every other hook miss nothing" "$top/tests/soak/events" 50
soaked "50 kills leave the host at N or N+1" "$top/tests/soak/kills" 50
