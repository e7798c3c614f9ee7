#!/bin/bash
# What can go wrong with the kernel: each message names the subject and the remedy, and the host stays as it was.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
cleanup() {
	net_down iov-err
	rmdir "/sys/fs/cgroup/memory/iov-err-$$" "/sys/fs/cgroup/iov-err-$$" 2>/dev/null || true
}
cleanup
net_up iov-err
setup_registry flow-table flow-count xdp-guard
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }

refuses "an interface that does not exist" 4 "nosuch0" inside install xdp-guard --set iface=nosuch0
equal "nothing was installed" "$(host list --json | jq '.modules | length')" 0
refuses "a required parameter that is missing" 2 "--set iface=" inside install xdp-guard
refuses "an unknown parameter" 2 "ifcae" inside install xdp-guard --set ifcae=iov-b

# A program that the verifier refuses.
cp -r "$top/tests/modules/rejected" "$tmp/rejected"
check "publish a module that the verifier will refuse" publish "$tmp/rejected"
refuses "the verifier's words, with the source line" 8 "value->count" inside install rejected --set iface=iov-b
[ "$(wc -l <"$out")" -le 20 ] && pass "not all of its log" || fail "not all of its log"
equal "nothing was installed after the rejection" "$(host list --json | jq '.modules | length')" 0
equal "no pins are left after the rejection" "$(pins | grep -cE '/(live|staging)/[^g]')" 0

# Two XDP programs on one interface.
check "install xdp-guard" inside install xdp-guard --set iface=iov-b
refuses "a second XDP program on the interface" 14 "iov-b" inside load xdp-guard --as second --set iface=iov-b
equal "the first goes on" "$(inside status --json | jq -c '[.instances[].name]')" '["xdp-guard"]'

# A contract that is broken: a module built against another layout of flows.
check "install the provider" inside install flow-table
cp -r "$top/tests/modules/stale-reader" "$tmp/stale-reader"
check "publish a module built for another layout" publish "$tmp/stale-reader"
refuses "both layouts, side by side" 7 "packets" inside install stale-reader --set iface=iov-b

# An instance's bpffs that somebody unmounted comes back by the next command.
umount "$tmp/host/sys/fs/bpf"
check "bpffs is mounted again" inside install flow-count --set iface=iov-b
check "status after that" inside status

# From here on each failure leaves this as it is: what runs, and every pin.
host_state() { inside status --json | jq -cS '[.generation, .instances]'; pins; }
before=$(host_state)
unchanged() { equal "$1" "$(host_state)" "$before"; }
# A kernel that lacks something, in a mount namespace: without FOLDER COMMAND... finds FOLDER empty.
without() { in_b unshare -m sh -c 'mount -t tmpfs -o ro none "$0" && exec "$@"' "$@"; }

# A tracepoint that no kernel has.
cp -r "$top/bpf-samples/exec-trace" "$tmp/ghost"
sed -i 's/^name: .*/name: ghost/; s/^summary: .*/summary: Looks where nothing is/' "$tmp/ghost/iov.yaml"
sed -i 's#tracepoint/sched/sched_process_exec#tracepoint/sched/sched_proces_exec#' "$tmp/ghost/src/exec_trace.bpf.c"
check "publish a module for a tracepoint that is none" publish "$tmp/ghost"
refuses "a tracepoint that does not exist, and the nearest" 4 "did you mean 'sched/sched_process_exec'?" inside install ghost
unchanged "the host is as it was after that"

# No BTF.
btf=/sys/kernel/btf
publish switch-count || fail "publish switch-count"
refuses "loading without BTF" 9 "$btf/vmlinux" without $btf "$IOVPKG" --root "$tmp/host" install switch-count
also "what kernel to use" CONFIG_DEBUG_INFO_BTF
refuses "building with vmlinux.h without BTF" 9 "vmlinux.h" without $btf "$IOVPKG" --root "$tmp/author" build "$top/bpf-samples/exec-trace" -o "$tmp/object"
also "what kernel to use, or what to do without" "beside the source"
check "what needs no vmlinux.h is built" without $btf "$IOVPKG" --root "$tmp/author" build "$top/bpf-samples/flow-table" -o "$tmp/object"
unchanged "the host is as it was without BTF"

# No bpffs: mounted where that can be done (above), else a word on how.
mkdir -p "$tmp/bare/sys"
check "another root" "$IOVPKG" --root "$tmp/bare" registry add test "$registry" --yes
refuses "bpffs cannot be mounted" 12 "mount -t bpf bpf $tmp/bare/sys/fs/bpf" without "$tmp/bare/sys" "$IOVPKG" --root "$tmp/bare" install flow-table
also "why" "Read-only file system"
equal "nothing was installed there" "$("$IOVPKG" --root "$tmp/bare" list --json | jq '.modules | length')" 0
check "with bpffs it is" "$IOVPKG" --root "$tmp/bare" install flow-table
check "bpffs is mounted below that root" grep -q "^bpf $tmp/bare/sys/fs/bpf bpf" /proc/mounts
check "and removed" "$IOVPKG" --root "$tmp/bare" remove flow-table

# Memory: the kernel's, for a map, and the process's own.
refuses "a map larger than the machine" 13 "flow-table 1.0.0 needs more memory" inside load flow-table --as huge --set max_flows=4000000000
also "says which map" "map 'flows'"
unchanged "the host is as it was after that"
memory_cgroup() {
	local all=/sys/fs/cgroup
	if [ -e $all/memory/memory.limit_in_bytes ]; then
		mkdir "$all/memory/$1" && echo "$2" >"$all/memory/$1/memory.limit_in_bytes" && echo "$all/memory/$1"
	elif grep -qw memory $all/cgroup.subtree_control 2>/dev/null; then
		mkdir "$all/$1" && echo "$2" >"$all/$1/memory.max" && echo "$all/$1"
	fi
}
cgroup=$(memory_cgroup "iov-err-$$" 64M)
if [ -n "$cgroup" ]; then
	held() { in_b sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" "$IOVPKG" --root "$tmp/host" "$@"; }
	refuses "a map larger than the limit of a memory cgroup" 13 "map 'flows'" held load flow-table --as big --set max_flows=2000000
	unchanged "the host is as it was after that, too"
else
	skip "the limit of a memory cgroup" "no memory controller"
fi
can_be_limited() { (ulimit -v 1000000; exec "$IOVPKG" --version) >"$out" 2>&1; }
if can_be_limited 2>/dev/null; then
	limited() { (ulimit -v "$1"; shift; inside "$@"); }
	# What the command itself can start with is too little for the worker, which has more libraries.
	least=5000
	until (ulimit -v $least; exec "$IOVPKG" --version) >/dev/null 2>&1; do least=$((least + 1000)); done
	refuses "no memory for the worker's libraries" 1 "ulimit -v" limited $((least + 1000)) install switch-count
	refuses "no memory for the compiler" 9 "ulimit -v" limited 100000 install switch-count
	for size in 5000 10000 15000 60000; do
		limited $size install switch-count >"$out" 2>&1
		unchanged "with $size KB the host stays as it was"
	done
	check "a next release" publish flow-count-1.1
	check "an upgrade, so that its archive is here" inside upgrade flow-count
	check "and back" inside rollback
	for size in 6000 9000 12000 20000 40000; do
		limited $size upgrade flow-count --offline >"$out" 2>&1
		inside load nothing-of-this-name >"$out" 2>&1 # which ends what was begun
		check "an upgrade with $size KB: nothing differs" inside doctor
	done
	check "back to the first release" inside install flow-count@=1.0.0
else
	skip "limits on the process's memory" "this build has AddressSanitizer, which takes terabytes of address space"
fi

# Not root.
if command -v setpriv >/dev/null; then
	chmod -R a+rX "$tmp/host/var" "$tmp/host/etc" 2>/dev/null
	refuses "without root" 10 "root" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$IOVPKG" --root "$tmp/host" load flow-table --as another
fi
check "remove all" inside remove flow-count flow-table xdp-guard --with-importers
