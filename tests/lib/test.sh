# What every whole-command test shares: a throw-away folder, TAP, and a short way to say what is expected.
#   check NAME COMMAND...                passes when the command succeeds
#   refuses NAME CODE WORDS COMMAND...   passes when it fails with this exit code and says these words
#   says NAME WORDS COMMAND...           passes when it succeeds and says these words
#   also NAME WORDS                      passes when what the last command said has these words too
#   skip_all REASON                      the whole file is skipped, and counted once
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${IOVPKG_BUILD:=$top/build-check}" "${IOVPKG:=$IOVPKG_BUILD/iovpkg}" "${IOVPKG_WORKER:=$IOVPKG_BUILD/iovpkg-worker}"
export IOVPKG_WORKER NO_COLOR=1
tmp=$(mktemp -d /tmp/iov-test.XXXXXX) || exit 1
chmod 755 "$tmp"
tap=0 tap_failed=0
out=$tmp/.out

finish() {
	local status=$?
	declare -F cleanup >/dev/null && cleanup
	# Private bpffs mounts of throw-away roots.
	awk -v at="$tmp/" 'index($2, at) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount "$mount"; done
	rm -rf "$tmp"
	[ $status -eq 0 ] || exit $status
	[ -n "${skipped_all:-}" ] || echo "1..$tap"
	exit $tap_failed
}
trap finish EXIT
trap 'exit 130' INT TERM

pass() { tap=$((tap + 1)); echo "ok $tap - $1"; }
fail() {
	tap=$((tap + 1)) tap_failed=1
	echo "not ok $tap - $1"
	{ echo "# $1"; [ ! -s "$out" ] || sed 's/^/#   /' "$out" | tail -n 30; } >&2
}
skip() { tap=$((tap + 1)); echo "ok $tap - $1 # SKIP $2"; }
skip_all() { skipped_all=1; echo "1..1"; echo "ok 1 - $(basename "$0" .sh) # SKIP $1"; exit 0; }

check() { local name=$1; shift; if "$@" >"$out" 2>&1; then pass "$name"; else fail "$name (exit $?)"; fi; }
says() {
	local name=$1 words=$2; shift 2
	if "$@" >"$out" 2>&1 && grep -qF -- "$words" "$out"; then pass "$name"; else fail "$name: expected '$words'"; fi
}
refuses() {
	local name=$1 code=$2 words=$3 status=0; shift 3
	"$@" >"$out" 2>&1 || status=$?
	if [ $status -eq "$code" ] && grep -qF -- "$words" "$out"; then pass "$name"; else fail "$name: expected exit $code (was $status) and '$words'"; fi
}
also() { if grep -qF -- "$2" "$out"; then pass "$1"; else fail "$1: expected '$2' too"; fi; }
equal() { if [ "$2" = "$3" ]; then pass "$1"; else echo "'$2' is not '$3'" >"$out"; fail "$1"; fi; }

need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root"; }
need_bpf() {
	need_root
	[ -e /sys/kernel/btf/vmlinux ] || skip_all "the kernel has no BTF"
	ip netns add iov-try 2>/dev/null && ip netns del iov-try || skip_all "network namespaces cannot be made here"
}

# A registry with the samples named, an author's root, and a host's root that trusts it.
#   registry=PATH  author ...  host ...
setup_registry() {
	registry=$tmp/registry.git
	author registry init "$registry" --origin test.example/modules --key test --plain >"$out" 2>&1 || { fail "registry init"; exit 1; }
	local one
	for one in "$@"; do publish "$one" || { fail "publish $one"; exit 1; }; done
	host registry add test "$registry" --yes >"$out" 2>&1 || { fail "registry add"; exit 1; }
}
author() { "$IOVPKG" --root "$tmp/author" "$@"; }
host() { "$IOVPKG" --root "$tmp/host" "$@"; }
publish() { author publish "$([ -d "$1" ] && echo "$1" || echo "$top/bpf-samples/$1")" --registry "$registry" --key test >"$out" 2>&1; }
pins() { (cd "$tmp/host/sys/fs/bpf" 2>/dev/null && find . -mindepth 1 | sort); }
