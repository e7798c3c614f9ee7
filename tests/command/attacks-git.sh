#!/bin/bash
# A hostile git server (tests/lib/hostile-git.py), over HTTP and git://: the lies that it tells about refs, and what it sends as a pack. Each is
# refused with words, in bounded time, memory and disk, and the client goes on with what it had. Slow ones are in tests/unit/test_worker_hostile.c.
. "$(dirname "$0")/../lib/test.sh"
. "$(dirname "$0")/../lib/servers.sh"
. "$top/tests/lib/forge.sh"
need_tools python3
need_forge
setup_registry flow-table
mode() { echo "$1" >"$tmp/mode"; }
mode ok
touch "$tmp/said"
serve "$tmp/said" python3 "$top/tests/lib/hostile-git.py" "$registry" "$tmp/mode" "$tmp/log"
for _ in {1..100}; do read -r http plain <"$tmp/said" && break; sleep 0.1; done

# What a command and its workers took: bounded "NAME SECONDS MB COMMAND..." fails where that is too much. Sanitizers take more memory.
bounded() {
	python3 - "$@" <<-'END'
		import resource, subprocess, sys, time
		begin, (seconds, size) = time.time(), map(int, sys.argv[1:3])
		code = subprocess.run(sys.argv[3:]).returncode
		took, peak = time.time() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
		if took > seconds or peak > size:
		    print(f"took {took:.1f} of {seconds} s and {peak} of {size} MB")
		    code = 99
		sys.exit(code)
	END
}
sanitized=$(grep -c __asan_init "$IOVPKG")
memory() { [ "$sanitized" -gt 0 ] && echo 100000 || echo "$1"; }
# hostile MODE CODE WORDS [MB]
hostile() {
	local after
	mode "$1"
	refuses "$transport: $1" "$2" "$3" bounded 60 "$(memory "${4:-64}")" "$IOVPKG" --root "$tmp/host" registry update
	after=$(plan)
	equal "$transport: $1: the client works as before" "$after" "$before"
}
disk() { du -sm "$tmp/host" | cut -f1; }

begin() { # TRANSPORT PORT
	transport=$1
	mode ok
	rm -rf "$tmp/host"
	check "$transport: registry add" host registry add test "$1://127.0.0.1:$2/registry.git" --yes
	before=$(plan)
}

begin git "$plain"
hostile refs-length 11 "cannot be reached"
hostile refs-moved 11 "did not send what it promised"
hostile pack-damaged 11 "did not send what it promised"
hostile words-endless 6 "talks without end beside what it was asked for (endless data attack)"

begin http "$http"
for one in length length-none length-short text zeros odd escape; do hostile refs-$one 11 "cannot be reached"; done
equal "names of refs lead nowhere" "$(find "$tmp" /tmp -maxdepth 1 -name 'escape*'; find "$tmp/host" -name 'escape*' -o -name 'main.lock')" ""
hostile refs-error 11 "go away"
if grep -q $'\e\[31m' "$out"; then fail "a server's words change the terminal"; else pass "a server's words are printable"; fi
for one in capabilities-none capabilities-short capabilities-endless sha256 text length short more delimiter id id-short nul; do
	hostile v2-$one 11 "not in git's protocol"
done
hostile v2-error 11 "go away"
for one in none longer; do hostile v2-$one 4 "has no ref 'refs/heads/main'"; done
hostile v2-moved 11 "did not send what it promised"
for one in endless zeros; do hostile v2-$one 6 "more than the 64 MiB that it may have" 256; done
mode v2-odd
check "http: v2-odd: what was not asked for is passed over" host registry update
equal "http: v2-odd: names of refs lead nowhere" "$(find "$tmp" /tmp -maxdepth 1 -name 'escape*'; find "$tmp/host" -name 'escape*' -o -name 'main.lock')" ""
hostile refs-moved 11 "did not send what it promised"
for one in damaged short none random wrong count; do hostile pack-$one 11 "did not send what it promised"; done
hostile words-error 11 "did not send what it promised"
hostile words-endless 6 "(endless data attack)"
hostile size-huge 6 "'head.note'"
hostile size-wrong 6 "'head.note'"
hostile tree-odd 6 "cannot read commit"
equal "names in a tree lead nowhere" "$(find "$tmp/host" -name 'escape*')" ""
if [ "$sanitized" -eq 0 ]; then
	hostile refs-million 11 "did not send what it promised" 256
	for one in delta-bomb delta-bomb-huge; do hostile $one 6 "needs more memory than a worker may take (endless data attack)"; done
else
	skip "http: bombs and a million refs" "AddressSanitizer leaves no limit on memory, and ends libgit2 1.8, which reads past its buffer there"
fi
hostile delta-chain 6 "'head.note'"
hostile zero-bomb 6 "'head.note' has 268435456 bytes, more than the"
if [ "$(disk)" -lt 20 ]; then pass "little of it is on the disk"; else disk >"$out"; fail "what was refused fills the disk"; fi
mode ok
check "the same server, honest again" host registry update
