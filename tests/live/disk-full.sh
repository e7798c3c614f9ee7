#!/bin/bash
# The disk is full, at every size that makes an install stop somewhere else: a clear error, and the host as it was.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
cleanup() { net_down iov-full; umount -l "$tmp/small" 2>/dev/null; }
cleanup
net_up iov-full
setup_registry flow-table flow-count
mkdir "$tmp/small"
inside() { in_b "$IOVPKG" --root "$tmp/small/host" "$@"; }
failed=0 whole=0
for size in 16 32 48 64 80 96 112 128 144 160 176 192 256 1024; do
	mount -t tmpfs -o size=${size}k small "$tmp/small"
	status=0
	{ inside registry add test "$registry" --yes --quiet && inside install flow-count --set iface=iov-b; } >"$out" 2>&1 || status=$?
	state=$(inside list --json 2>/dev/null | jq -r '[.modules[].name] | join(" ")')
	case "$status:$state" in
	"0:flow-count flow-table") whole=$((whole + 1)) ;;
	13:) failed=$((failed + 1)); grep -qi "space" "$out" || fail "at ${size} KiB the message does not speak of space" ;;
	*) fail "at ${size} KiB: exit $status with '$state' installed" ;;
	esac
	[ $status -eq 0 ] && inside remove flow-count --quiet >>"$out" 2>&1
	umount "$tmp/small/host/sys/fs/bpf" 2>/dev/null
	umount "$tmp/small"
done
[ $failed -ge 3 ] && pass "$failed sizes were refused, the host as it was" || fail "only $failed sizes were refused"
[ $whole -ge 1 ] && pass "$whole sizes were enough" || fail "no size was enough"
