#!/bin/bash
# A kernel without TCX (Debian 12's own 6.1): the same manifest gets clsact by itself; upgrade, rollback and remove leave nothing behind.
. "$(dirname "$0")/../lib/test.sh"
need_root
command -v qemu-system-x86_64 >/dev/null || skip_all "QEMU is not installed"
# Objects are made here and travel in the archives: the guest has no compiler.
publish() { author publish "$top/bpf-samples/$1" --registry "$registry" --key test --with-object >"$out" 2>&1; }
setup_registry flow-table flow-count
check "install without a kernel" host install flow-count --no-load
publish flow-count-1.1 || fail "publish flow-count 1.1"
mkdir "$tmp/data"
cp -r "$tmp/host" "$registry" "$tmp/data/"
# The registry's address inside the guest.
sed -i "s#$tmp#/data#g" "$tmp"/data/host/var/lib/iovpkg/registries/*/registry.json
status=0
"$top/tests/guest/run" 6.1 "$top/tests/guest/inside/clsact" "$tmp/data" >"$tmp/guest.log" 2>&1 || status=$?
cp "$tmp/guest.log" "$out"
[ $status -ne 77 ] || skip_all "$(sed -n 's/^guest: //p' "$out")"
# The guest's own TAP becomes ours.
while read -r line; do
	case "$line" in
	"ok "*) pass "6.1: ${line#ok }" ;;
	"not ok "*) fail "6.1: ${line#not ok }" ;;
	esac
done < <(grep -E '^(not )?ok ' "$tmp/guest.log")
equal "the guest ended well" "$status" 0
