#!/bin/bash
# A host whose first program is systemd, with the units that `make install` ships: a guest is installed, turned off and turned on again.
. "$(dirname "$0")/../lib/test.sh"
IOVPKG_SOURCE=$top
. "$top/tests/lib/guest.sh"
kernel=6.12 work=$tmp/work disk=$tmp/disk
reason=$( (guest_ready $kernel) 2>&1) || skip_all "${reason#guest: }"
grep -q '^systemd:' "$cache/base.versions" || skip_all "systemd is not installed"
mkdir -p "$work" "$disk"/{state,units}

prepare() {
	local module
	make -s -C "$IOVPKG_BUILD" install DESTDIR="$disk/installed" || return 1
	cp -r "$top/tests/modules/watched" "$tmp/watched"
	sed -i '/^health:/,$d' "$tmp/watched/iov.yaml"
	echo 'maps: {persist: [totals, by_port, .bss]}' >>"$tmp/watched/iov.yaml"
	author registry init "$disk/registry.git" --origin test.example/modules --key test --plain || return 1
	for module in "$tmp/watched" "$top/bpf-samples/xdp-guard"; do
		author publish "$module" --registry "$disk/registry.git" --key test --with-object || return 1
	done
}
check "a registry, and what 'make install' makes" prepare
cat >"$disk/units/late.service" <<'END'
[Unit]
Description=An interface that comes with the network
After=iovpkg.service
Before=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip link add late0 type dummy && ip link set late0 up && ip link set lo up'
[Install]
WantedBy=network-online.target
END
cat >"$disk/units/proof.service" <<'END'
[Unit]
Description=What the test looks at
After=iovpkg.service iovpkg-online.service
[Service]
Type=oneshot
ExecStart=/bin/bash /project/source/tests/guest/inside/systemd-proof.sh
[Install]
WantedBy=multi-user.target
END
guest_mkfs "$disk" "$work/disk.img"
guest_project "$work" </dev/null
guest_words="iov.first=systemd systemd.unit=multi-user.target systemd.show_status=0"

boot() {
	(guest_qemu "$work" -drive "file=$work/disk.img,if=none,id=disk,format=raw" -device virtio-blk-pci,drive=disk) 2>&1 | tr -d '\r' >"$work/said.$1"
	sed 's/^#2 //' "$work/said.$1" >"$out"
	while read -r word _ _ name; do
		case "$word" in ok) pass "$1: $name" ;; not) fail "$1: ${name#- }" ;; esac
	done <"$work/said.$1"
	grep -q "$2" "$work/said.$1" || { tail -n 30 "$work/console" | tr -d '\r' >>"$out"; fail "$1: comes to its end"; }
}
boot "first boot" "^#down"
boot "second boot" "^#end"
