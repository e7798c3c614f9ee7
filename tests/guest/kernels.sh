#!/bin/bash
# The tests that need a kernel, on Debian's own kernels beside the live one (tests/guest/run), all guests at once.
cd "$(dirname "$0")/../.." || exit 1
kernels="6.1 6.12 7.2"
suites=$(tests/guest/tests | grep -E '^(engine|hooks)_|^check_verdicts$')
# Few of the long ones for each: emulation is slow. tests/guest/table runs all. Upgrades at kprobe, fentry and LSM, which the live kernel may lack, are in one.
longer() {
	case "$1" in
	6.1) long=(tests/guest/inside/clsact.sh tests/guest/inside/older.sh) ;;
	6.12) long=(main-job "env SOAK_RATE=200 tests/soak/events 50") ;;
	*) long=(main-job "tests/live/choose.sh short") ;;
	esac
}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0
for kernel in $kernels; do
	longer "$kernel"
	# shellcheck disable=SC2086
	IOV_TEST_BRIEF=1 IOV_TEST_PACKETS=2000 tests/guest/run $kernel $suites "${long[@]}" >"$out/$kernel" 2>"$out/$kernel.err" &
	echo $! >"$out/$kernel.pid"
done
for kernel in $kernels; do
	status=0
	wait "$(cat "$out/$kernel.pid")" || status=$?
	cat "$out/$kernel"
	cat "$out/$kernel.err" >&2
	if [ $status -eq 77 ]; then echo "ok 1 - $kernel # SKIP $(sed -n 's/^guest: //p' "$out/$kernel.err")"; elif [ $status -ne 0 ]; then failed=1; fi
done
exit $failed
