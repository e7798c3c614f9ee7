#!/bin/bash
# A release whose map has no room for the entries of the one before: refused, and the host is as it was, every entry of it; with --lossy it goes.
. "$(dirname "$0")/../lib/sample.sh"
sorted() { entries tally "$1" | jq -cS sort; }
here_pins() { pins | grep -v generation_; }

sample_up "iov-room-$$" "$top/tests/modules/tally"
check "install" inside install tally --set iface=iov-b
# Of each CPU the same.
fill() {
	local i map value="1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0"
	for ((i = 1; i <= 100; i++)); do
		# shellcheck disable=SC2086
		for map in flows cpu_flows; do bpftool map update pinned "$pinned/tally/maps/$map" key "$i" 0 7 7 value $value || return 1; done
	done
}
check "a hundred entries" fill
cp -r "$top/tests/modules/tally-2" "$tmp/tally-2"
sed -i 's/BPF_MAP_TYPE_PERCPU_HASH, 4096/BPF_MAP_TYPE_PERCPU_HASH, 64/; s/BPF_MAP_TYPE_HASH, 4096/BPF_MAP_TYPE_HASH, 32/' "$tmp"/tally-2/src/*.c
publish "$tmp/tally-2" || { fail "publish the next release"; exit 1; }
for map in flows cpu_flows; do sorted $map >"$tmp/$map"; done
before=$(here_pins)
refuses "a release that has no room for them" 7 "has no room for" inside upgrade
also "the remedy is told" "--lossy"
for map in flows cpu_flows; do equal "every entry of '$map' is as it was" "$(sorted $map)" "$(cat "$tmp/$map")"; done
equal "bpffs is as it was" "$(here_pins)" "$before"
says "and the host is well" "agree" inside doctor
check "with --lossy it goes" inside upgrade --lossy
equal "with what there is room for" "$(entries tally flows | jq length) $(entries tally cpu_flows | jq length)" "32 64"
