# shellcheck shell=bash
# What starts a guest, for tests/guest/run and tests/soak/powerloss. IOVPKG_SOURCE and IOVPKG_BUILD are the folders.
#   guest_ready KERNEL        fetches and makes what a guest needs; exits with 77 and the reason on stderr where none can run
#   guest_project WORK        makes WORK/project.img of the build and the tests; standard input: a line a test, NAME, tab, command
#   guest_qemu WORK ARG...    the machine, in the foreground: its kernel's words go to WORK/console, the tests' lines to standard output;
#                             guest_words go to its kernel's command line
here=$IOVPKG_SOURCE/tests/guest
cache=${IOV_GUEST_CACHE:-$IOVPKG_BUILD/guest}
no() { echo "guest: $*" >&2; exit 77; }
export PATH=$PATH:/usr/sbin:/sbin

guest_ready() {
	local version programs=("$IOVPKG_BUILD"/iovpkg{,-worker,-worker-http,-worker-git-http,-serve})
	kernel=$1
	[ "$(uname -m)" = x86_64 ] || no "guests are for x86_64 machines"
	version=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p') || true
	[ "${version:-0}" -ge 10 ] || no "QEMU 10 or newer is needed (version 7.2 crashes guests that patch kernel text)"
	[ ! -e "$IOVPKG_BUILD/tests/unit/unit" ] || programs+=("$IOVPKG_BUILD/tests/unit/unit")
	mkdir -p "$cache"
	(
		flock 9
		"$here/kernel" "$kernel" "$cache"
		"$here/base" "$cache" "${programs[@]}"
	) 9>"$cache/lock"
}

guest_environment() {
	echo "export IOVPKG_SOURCE='$IOVPKG_SOURCE' IOVPKG_BUILD='$IOVPKG_BUILD' IOVPKG='$IOVPKG_BUILD/iovpkg' IOVPKG_WORKER='$IOVPKG_BUILD/iovpkg-worker'"
	echo "export IOV_TEST_OBJECTS='$IOVPKG_BUILD/tests/objects' ASAN_OPTIONS='${ASAN_OPTIONS:-}' UBSAN_OPTIONS='${UBSAN_OPTIONS:-}'"
	echo "export GUEST_TEST_SECONDS=${GUEST_TEST_SECONDS:-300} IOV_TEST_PACKETS=${IOV_TEST_PACKETS:-} IOV_TEST_BRIEF=${IOV_TEST_BRIEF:-}"
}

guest_project() {
	local tree=$1/project parts=(iovpkg iovpkg-{worker,worker-http,worker-git-http,serve} tests/objects)
	[ ! -e "$IOVPKG_BUILD/tests/unit/unit" ] || parts+=(tests/unit/unit)
	mkdir -p "$tree"/{source,build}
	tar -C "$IOVPKG_SOURCE" -c --exclude=tests/fuzz tests bpf-samples registry docs systemd | tar -x -C "$tree/source"
	tar -C "$IOVPKG_BUILD" -c "${parts[@]}" | tar -x -C "$tree/build"
	install -m 755 "$here/inside/init" "$tree/init"
	guest_environment >"$tree/environment"
	cat >"$tree/tests"
	guest_mkfs "$tree" "$1/project.img" -O ^has_journal
	rm -rf "$tree"
}
# guest_mkfs FOLDER IMAGE OPTION...: the folder as an ext4 image with some space.
guest_mkfs() { mkfs.ext4 -q -F -m 0 -d "$1" "${@:3}" "$2" "$(($(du -sm "$1" | cut -f 1) * 5 / 4 + 48))M" >/dev/null; }

# What the guest writes to these two disks is gone with it (snapshot). Its CPUs take turns in one thread: with a thread each, QEMU 10 has run an
# instruction that the kernel had long patched (a panic at an int3 of a trampoline, once in some thirty runs), and tests are no slower.
guest_qemu() {
	local work=$1; shift
	TMPDIR=$work exec timeout --foreground "${GUEST_SECONDS:-1000}" qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 2048 -display none \
		-no-reboot -net none -kernel "$cache/$kernel/vmlinuz" -initrd "$cache/$kernel/initrd" \
		-append "console=ttyS0 quiet panic=-1 no_timer_check lsm=landlock,lockdown,yama,bpf ${guest_words:-}" \
		-drive "file=$cache/base.img,if=none,id=base,format=raw,snapshot=on" -device virtio-blk-pci,drive=base \
		-drive "file=$work/project.img,if=none,id=project,format=raw,snapshot=on" -device virtio-blk-pci,drive=project \
		-serial "file:$work/console" -serial stdio "$@" </dev/null
}
