#!/bin/bash
# doctor on the live kernel: what another tool, a lost mount or a damaged disk did to the host is named, and --fix mends it in one transaction, with
# the maps and their entries; what is not ours is told and stays. And gc.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
for one in jq bpftool; do command -v $one >/dev/null || skip_all "$one is not installed"; done
net=iov-doctor-$$
cleanup() { net_down $net; }
net_up $net
setup_registry flow-table flow-count xdp-guard switch-count
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
bpffs=$tmp/host/sys/fs/bpf pins=$bpffs/iovpkg live=$bpffs/iovpkg/live store=$tmp/host/var/lib/iovpkg/store
check "install flow-count" inside install flow-count --set iface=iov-b --yes
check "install xdp-guard" inside install xdp-guard --set iface=iov-b
check "install switch-count" inside install switch-count
says "a host that is well" "agree" inside doctor

# Pins of another tool, beside ours and among them.
bpftool map create "$bpffs/other_tool" type hash key 4 value 4 entries 1 name other_tool
mkdir "$live/other-folder" "$pins/beside"
for place in "$live/other_pin" "$live/other-folder/pin" "$live/flow-table/pin" "$pins/beside/pin"; do ln "$bpffs/other_tool" "$place"; done
foreign() { find "$bpffs" -type f -name '*pin' -o -name other_tool | sort | while read -r pin; do echo "${pin#"$bpffs"} $(bpftool -j map show pinned "$pin" | jq .id)"; done; }
others=$(foreign)
says "what is not ours is told, and no difference" "another tool" inside doctor
equal "in the document too" "$(inside doctor --json | jq -c '[.clean, ([.findings[].kind] | unique)]')" '[true,["not-ours"]]'

sizes=$(bpftool -j map show pinned "$live/flow-table/maps/flows" | jq -r '"\(.bytes_key) \(.bytes_value)"')
key=$(for _ in $(seq "${sizes% *}"); do printf '7 '; done) value=$(for _ in $(seq "${sizes#* }"); do printf '42 '; done)
# shellcheck disable=SC2086 # words
bpftool map update pinned "$live/flow-table/maps/flows" key $key value $value
# shellcheck disable=SC2086 # words
kept_entry() { bpftool -j map lookup pinned "$live/flow-table/maps/flows" key $key 2>/dev/null | jq -r '.value | unique | join(" ")'; }
marked=$(kept_entry)

# breaks NAME KIND REST: after the breakage (done by the caller) doctor names KIND, --fix mends it, the entry and other tools' pins are there.
mends() {
	local name=$1 kind=$2
	inside doctor --json >"$out" 2>/dev/null
	local status=$?
	if [ $status -eq 5 ] && jq -e --arg kind "$kind" '.clean == false and ([.findings[].kind] | index($kind) != null)' "$out" >/dev/null; then pass "$name is named $kind"; else fail "$name is named $kind (exit $status)"; fi
	check "$name is mended" inside doctor --fix
	inside doctor --json >"$out" 2>/dev/null && jq -e .clean "$out" >/dev/null && [ "$(inside status --json | jq '[.instances[].hooks[] | select(.attached | not)] | length')" = 0 ] &&
		pass "$name: all is well then" || fail "$name: all is well then"
	equal "$name: the entries are there" "$(kept_entry)" "$marked"
	equal "$name: other tools' pins are there" "$(foreign)" "$others"
}

bpftool link detach pinned "$live/xdp-guard/links/guard"
mends "a link that another tool detached" not-attached
if rm "$live/flow-count/links/count_in" 2>/dev/null; then
	mends "a link that another tool unpinned" not-attached
else
	skip "a link that another tool unpinned" "filters (clsact) have none"
fi
rm "$live/switch-count/links/"*
mends "an entry's link that is gone" not-attached
rm "$live/flow-count/progs/count_out"
mends "a program that is not pinned" no-program
rm "$live/flow-table/maps/flows"
mends "a map that is not pinned" no-map
bpftool map create "$bpffs/twin" type hash key "${sizes% *}" value "${sizes#* }" entries 65536 name flows
rm "$live/flow-table/maps/flows"
ln "$bpffs/twin" "$live/flow-table/maps/flows"
rm "$bpffs/twin"
mends "another map in the place of one of ours" other-map
slots=$(echo "$live"/switch-count/slots/*)
slot=$(($(jq .generation "$tmp/host/var/lib/iovpkg/current/lock.json") % 2))
bpftool map delete pinned "$slots" key $slot 0 0 0
mends "the slot that is in use emptied by another tool" not-attached
bpftool map delete pinned "$slots" key $((1 - slot)) 0 0 0
mends "the other slot emptied" armed
bpftool map update pinned "$pins/index" key 0 0 0 0 value 77 0 0 0 0 0 0 0
mends "another number in the index" index
rm -r "$live/switch-count"
mends "an instance that is gone" not-loaded
mkdir -p "$pins/staging/flow-top/maps"
mends "a staging tree without a change under way" stray-tree
mkdir -p "$live/flow-top/links"
ln "$live/flow-count/links/count_in" "$live/flow-top/links/"
mends "pins of an instance that nobody has" stray-instance
mkdir "$live/generation_77"
mends "a mark of another generation" stray-tree
archive=$(jq -r '.releases[] | select(.name == "xdp-guard").sha256' "$tmp/host/var/lib/iovpkg/current/lock.json")
object=$(jq -r '.releases[] | select(.name == "xdp-guard").object' "$tmp/host/var/lib/iovpkg/current/lock.json")
chmod u+w "$store/$archive/iov.yaml" && echo >>"$store/$archive/iov.yaml"
mends "a damaged file in the store" release
rm -r "${store:?}/$archive"
mends "a release that the store lost" release
chmod u+w "$store/$object/object.bpf.o" && : >"$store/$object/object.bpf.o"
mends "a damaged object" object
rm -r "${store:?}/$object"
mends "an object that the store lost" object

# An instance whose hook cannot come back does not keep the others from being mended.
in_b ip link add iov-c type veth peer name iov-d
check "one more instance" inside load xdp-guard --as second --set iface=iov-c
in_b ip link del iov-c
rm "$live/switch-count/links/"*
inside doctor --fix --json >"$tmp/fixed" 2>"$out" || true
equal "a missing interface is named, and the rest mended" "$(jq -c '[([.findings[].kind] - ["not-ours"] | unique), ([.mended[].subject] | unique)]' "$tmp/fixed")" '[["no-target"],["switch-count"]]'
in_b ip link add iov-c type veth peer name iov-d
check "and mended when it is back" inside doctor --fix
check "the instance goes" inside unload second

# bpffs unmounted, with everything that it held.
umount "$bpffs"
refuses "bpffs is not mounted" 5 "bpffs was unmounted" inside doctor
check "it is mounted, and the generation brought up" inside doctor --fix
says "all is well after that" "agree" inside doctor

# gc.
for threshold in 1 2 3; do check "a change" inside unload xdp-guard; check "and back" inside load xdp-guard --set iface=iov-b; done
check "remove a module" inside remove switch-count
check "and something else" inside unload xdp-guard
check "and that back" inside load xdp-guard --set iface=iov-b
mkdir -p "$tmp/host/var/cache/iovpkg/btf/0123456789abcdef"
echo x >"$tmp/host/var/cache/iovpkg/btf/0123456789abcdef/x"
inside gc --keep 2 --dry-run --json >"$tmp/dry" 2>"$out"
inside gc --keep 2 --json >"$tmp/wet" 2>"$out"
equal "a dry run says what a real one does" "$(jq -cS . "$tmp/dry")" "$(jq -cS . "$tmp/wet")"
equal "two generations stay" "$(inside list --json | jq '.generations | length')" 2
equal "what nothing needs went" "$(jq -c '[.removed[].kind] | unique' "$tmp/wet")" '["archive","generation","kernel","release"]'
says "a second one has nothing to do" "Nothing to remove" inside gc --keep 2
says "the host is well" "agree" inside doctor
check "and can go back" inside rollback
says "the host is well then" "agree" inside doctor
check "remove everything" inside remove flow-count xdp-guard --with-importers
equal "nothing of ours is left below live" "$(find "$live" -mindepth 1 | grep -vcE "generation_|other|pin$|/flow-table$|/beside")" 0
