# The Debian packages that building, the demo and the tests need. Debian 12 takes libbpf, bpftool, libgit2 and QEMU from backports.
packages_base="build-essential autoconf automake libtool pkg-config ca-certificates libelf-dev libsodium-dev libjansson-dev libyaml-dev
	libarchive-dev libmicrohttpd-dev libseccomp-dev libcurl4-openssl-dev clang llvm bubblewrap git iproute2 iputils-ping jq"
packages_backports="libbpf-dev bpftool libgit2-dev"
packages_check="check libsolv-dev clang-format clang-tidy cppcheck mandoc shellcheck cpio busybox-static kmod
	e2fsprogs xz-utils nginx-light fcgiwrap openssh-server openssl python3"
packages_check_backports="qemu-system-x86"

packages_missing() {
	local one
	for one in "$@"; do
		dpkg-query -W -f '${Status}' "$one" 2>/dev/null | grep -q 'ok installed' || echo "$one"
	done
}

# libbpf in Debian 12 itself is too old, an installed one may be: ask for the version, not the name.
packages_old_libbpf() { ! pkg-config --atleast-version=1.4 libbpf 2>/dev/null || ! pkg-config --atleast-version=1.7 libgit2 2>/dev/null; }

# clang's runtime for sanitizers and fuzzers is a package of its own that carries clang's version.
packages_clang_runtime() { apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1; }

packages_install() {
	local base="$packages_base" newer="$packages_backports"
	if [ "$1" = check ]; then base="$base $packages_check" newer="$newer $packages_check_backports"; fi
	[ -r /etc/os-release ] && . /etc/os-release
	# shellcheck disable=SC2086
	local missing; missing=$(packages_missing $base $newer)
	if [ "$1" = check ] && ! ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1; then missing="$missing clang-runtime"; fi
	[ -z "$missing" ] && ! packages_old_libbpf && return
	if [ "${ID:-}" != debian ]; then
		die "this is not Debian; install these by hand, then run again: $(echo $missing)"
	fi
	[ "$(id -u)" = 0 ] || die "these Debian packages are missing, and installing them needs root: $(echo $missing)"
	say "Installing Debian packages: $(echo $missing)"
	local from=()
	if [ "${VERSION_ID:-}" = 12 ]; then
		tell "Debian 12: libbpf, bpftool, libgit2 and QEMU come from bookworm-backports"
		if ! grep -rqs bookworm-backports /etc/apt/sources.list /etc/apt/sources.list.d; then
			echo 'deb http://deb.debian.org/debian bookworm-backports main' >/etc/apt/sources.list.d/bookworm-backports.list
		fi
		from=(-t bookworm-backports)
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >/dev/null || die "apt-get update failed; is the network there?"
	# shellcheck disable=SC2086
	apt-get -qq -y --no-install-recommends install $base >/dev/null || die "installing the packages failed; see apt-get's words above"
	# shellcheck disable=SC2086
	apt-get -qq -y --no-install-recommends "${from[@]}" install $newer >/dev/null || die "installing the packages failed; see apt-get's words above"
	if [ "$1" = check ]; then
		apt-get -qq -y --no-install-recommends install "$(packages_clang_runtime)" >/dev/null || die "clang's sanitizer runtime could not be installed"
	fi
}
