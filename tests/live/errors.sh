#!/bin/bash
# What can go wrong with the kernel: each message names the subject and the remedy, and the host stays as it was.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
cleanup() { net_down iov-err; }
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

# Not root.
if command -v setpriv >/dev/null; then
	chmod -R a+rX "$tmp/host/var" "$tmp/host/etc" 2>/dev/null
	refuses "without root" 10 "root" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$IOVPKG" --root "$tmp/host" load flow-table --as another
fi
check "remove all" inside remove flow-count flow-table xdp-guard --with-importers
