#!/bin/bash
# Upgrades that change more than code, under traffic: the program at XDP gets another name, two modules change places there, a parameter moves a
# module to another interface, other modules come and go in between. Every frame is counted once.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
for tool in cc jq bpftool; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
sender=''
cleanup() {
	[ -z "$sender" ] || kill "$sender" 2>/dev/null
	net_down "iov-changes-$$"
}
net_up "iov-changes-$$"
cc -O2 -D_GNU_SOURCE -I"$top/tests/soak" -o "$tmp/send" "$top/tests/soak/send.c" || exit 1
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
live=$tmp/host/sys/fs/bpf/iovpkg/live

# variant NAME VERSION FIRST FUNCTION: a module that counts, at XDP when it is the first of the path, its program under that name.
variant() {
	local dir=$tmp/$1-$2
	cp -r "$top/tests/soak/modules/path" "$dir"
	sed -i "s/^name: path/name: $1/; s/^version: .*/version: $2/; s/^  step:/  $4:/" "$dir/iov.yaml"
	sed -i "s/^#define FIRST 0/#define FIRST $3/; s/^int step(/int $4(/" "$dir/src/path.bpf.c"
	publish "$dir" || { fail "publish $1 $2"; exit 1; }
}
setup_registry flow-table flow-count
variant left 1.0.0 1 step
variant right 1.0.0 1 step
variant follower 1.0.0 0 follow
seen() { bpftool -j map dump pinned "$live/$1/maps/seen" | jq "[.[].formatted.values[].value.$2] | add"; }
running() { in_b bpftool -j net show dev "${1:-iov-b}" | jq -r '[.[].xdp[]?.id] | first // empty' | xargs -r bpftool -j prog show id | jq -r .name; }
generation() { inside list --json | jq .generation; }
names() { inside status --json | jq -r '[.instances[].name] | sort | join(" ")'; }
traffic() { dropped=$(net_dropped a); nsenter --net="/run/netns/$net-a" "$tmp/send" iov-a 80 64 40000 0 "$tmp/sent" >"$tmp/said" & sender=$!; sleep 0.2; }
quiet() { sleep 0.1; kill -TERM "$sender"; wait "$sender"; sender=''; sleep 0.2; read -r sent refused _ <"$tmp/said"; frames=$((sent + refused + dropped - $(net_dropped a))); }

check "install left and follower" inside install left follower --set iface=iov-b
with_left=$(generation)
variant left 1.1.0 1 other_step
equal "the first release's program runs" "$(running)" step
traffic
check "an upgrade renames the program at XDP" inside upgrade left
equal "the renamed program runs" "$(running)" other_step
check "and back" inside rollback
equal "the old program runs" "$(running)" step
quiet
equal "every frame was counted at XDP" "$(seen left same)" "$frames"
equal "every frame was counted at tcx, after XDP" "$(seen follower same) $(seen follower mixed)" "$frames 0"

check "left goes" inside remove left
check "right comes" inside install right --set iface=iov-b
before=$(seen follower same)
traffic
check "another module comes in between" inside install flow-count --set iface=iov-b
check "left takes the place of right in one step" inside rollback "$with_left"
quiet
equal "left runs, right is gone" "$(names)" "follower left"
equal "no frame met neither" "$(($(seen follower same) - before)) $(seen follower mixed)" "$frames 0"

check "a parameter moves left to another interface" inside load left --set iface=lo
equal "it runs there" "$(running lo)" step
equal "and not here" "$(running)" ""
check "and back" inside load left --set iface=iov-b
equal "it runs here again" "$(running) $(running lo)" "step "
check "remove everything" inside remove left follower
equal "bpffs is clean" "$(pins | grep -v generation_ | grep -cE '/(live|staging)/.')" 0
equal "the interface is clean" "$(in_b bpftool -j net show dev iov-b | jq '[.[] | (.xdp + .tc) | length] | add')" 0
