#!/bin/bash
# Registries that judge later, by a forge's CI: verdicts, waiting for them; many publishers at once; each of them killed at each step.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools jq git
need_git_backend
registry=$tmp/registry.git

publisher() { "$IOVPKG" --root "$tmp/publisher" "$@"; }
refs() { git -C "$registry" for-each-ref --format='%(refname)' "$@"; }
# module NAME VERSION: prints a folder with flow-table under that name.
module() {
	local dir=$tmp/$1-$2
	cp -r "$top/bpf-samples/flow-table" "$dir"
	sed -i "s/^version: .*/version: $2/; s/^name: .*/name: $1/" "$dir/iov.yaml"
	echo "$dir"
}
# ci: what a forge's job does, with the key from a descriptor and a push over https.
ci() { GIT_SSL_CAINFO=$web/ca.pem "$top/registry/forge/accept" "$url" /dev/fd/3 "$IOVPKG" 3<"$tmp/author/etc/iovpkg/keys/test.key"; }

key=$(publisher key generate work --plain | tail -n 1)
check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain --publisher "flow-*=$key"
make_certificates >"$out" 2>&1 || { fail "certificates"; exit 1; }
port=$(free_port) url=https://localhost:$port/registry.git
git -C "$registry" config http.receivepack true
web_config <<END
server {
	$(web_listen "$port")
	location / { $(web_git "$tmp") }
}
END
start_git_backend
start_web "$port"
mkdir -p "$tmp/publisher/etc/iovpkg" && cp "$web/ca.pem" "$tmp/publisher/etc/iovpkg/"

# ---- a forge's CI

says "nothing waits" '"accepted": []' ci
refuses "waiting needs somebody whose verdict counts" 2 "iovpkg registry add" publisher publish "$(module flow-a 1.0.0)" --registry "$url" --key work --wait 1s
check "registry add" publisher registry add main "$url" --yes
says "without --wait it is submitted" "1.0.0: submitted" publisher publish "$tmp/flow-a-1.0.0" --registry main --key work
refuses "nobody judges: the time runs out" 14 "has not judged the submission within 1 seconds" publisher publish "$tmp/flow-a-1.0.0" --registry main --key work --wait 1s
(sleep 1; ci) >"$tmp/ci.log" 2>&1 &
says "while it waits, CI accepts it" "1.0.0: published" publisher publish "$tmp/flow-a-1.0.0" --registry main --key work --wait 60s
wait $!
equal "nothing waits, and there is no verdict" "$(refs refs/heads)" refs/heads/main
equal "its archive is there" "$(refs refs/packages | wc -l)" 1

says "a submission that will be refused" submitted publisher publish "$top/bpf-samples/exec-trace" --registry "$url/" --key work
says "CI refuses it" '"name": "exec-trace"' ci
ref=$(refs refs/heads/verdict)
verdict() { git -C "$registry" show "$ref:verdict.note" | head -n 1; }
equal "the verdict says what it is about" "$(verdict | jq -r '"\(.kind) \(.origin) \(.sha256)"')" "verdict test.example/modules ${ref#refs/heads/verdict/}"
equal "and why" "$(verdict | jq -r .reason | cut -d' ' -f1-6)" "untrusted: 'exec-trace' 1.0.0 is signed by"

# Two that want one version: both are good when they are submitted, and CI takes the one whose digest comes first.
first=$(module flow-b 1.0.0) second=$tmp/flow-b-other
cp -r "$first" "$second" && echo "/* other bytes */" >>"$second/src/flow_table.bpf.c"
digest() { (cd "$tmp" && publisher pack "$1" -o "$tmp/packed.iov" --json | jq -r .sha256); }
[[ $(digest "$first") < $(digest "$second") ]] || { swap=$first first=$second second=$swap; }
says "the one" submitted publisher publish "$first" --registry main --key work
(until [ "$(refs refs/heads/incoming | wc -l)" -eq 2 ]; do sleep 0.1; done; ci) >"$tmp/ci.log" 2>&1 &
refuses "the other waits, and is told why it is refused" 5 "refuses it: 'flow-b' 1.0.0 is published already with other bytes" \
	publisher publish "$second" --registry main --key work --wait 60s
wait $!
git -C "$registry" update-ref "refs/heads/verdict/$(digest "$tmp/flow-a-1.0.0")" "$ref"
cp -r "$tmp/flow-a-1.0.0" "$tmp/flow-c" && sed -i 's/^name: .*/name: flow-c/' "$tmp/flow-c/iov.yaml"
(until refs refs/heads/incoming | grep -q .; do sleep 0.1; done
	forged=$(refs refs/heads/incoming) && git -C "$registry" update-ref "refs/heads/verdict/${forged##*/}" "$ref") &
refuses "a verdict on another submission is no verdict" 6 "is about another one" publisher publish "$tmp/flow-c" --registry main --key work --wait 60s
wait $!
says "the next run takes what waits, in spite of it" '"name": "flow-c"' ci
equal "and its false verdict is gone" "$(refs "refs/heads/verdict/$(digest "$tmp/flow-c")")" ""
equal "main has a commit for each release" "$(git -C "$registry" rev-list --count main)" 4

# ---- a timer

says "refresh with much left" "still good" author registry refresh "$registry" --if-left 60
equal "does nothing" "$(git -C "$registry" rev-list --count main)" 4
refuses "a new head would not be good for as long" 2 "renewed each time" author registry refresh "$registry" --days 30 --if-left 30
check "a head that lives for ten days" author registry refresh "$registry" --days 10
says "is renewed" '"changed":true' bash -c "'$IOVPKG' --root '$tmp/author' registry refresh '$registry' --if-left 60 --json | jq -c ."
says "once" '"changed":false' bash -c "'$IOVPKG' --root '$tmp/author' registry refresh '$registry' --if-left 60 --json | jq -c ."

# ---- many at once: through the path, through the hook, and a timer in between

author registry init "$tmp/other.git" --origin test.example/other --key test --hook >>"$out" 2>&1
cp "$tmp/other.git/hooks/proc-receive" "$registry/hooks/" && sed -i "s|^exec iovpkg |[ ! -e '$tmp/fault' ] \|\| export IOVPKG_FAULT=\$(cat '$tmp/fault')\nexec '$IOVPKG' |" "$registry/hooks/proc-receive"
git -C "$registry" config receive.procReceiveRefs refs
many() {
	local n pids=() failed=0
	for n in 1 2 3 4; do
		author publish "$(module path-$n 1.0.0)" --registry "$registry" --key test >"$tmp/path-$n.log" 2>&1 & pids+=($!)
		"$IOVPKG" --root "$tmp/publisher" publish "$(module flow-hook-$n 1.0.0)" --registry main --key work >"$tmp/hook-$n.log" 2>&1 & pids+=($!)
	done
	author registry refresh "$registry" >"$tmp/refresh.log" 2>&1 & pids+=($!)
	for n in "${pids[@]}"; do wait "$n" || failed=1; done
	cat "$tmp"/path-?.log "$tmp"/hook-?.log "$tmp/refresh.log"
	return $failed
}
check "eight publishers and a refresh at once" many
equal "nothing waits" "$(refs refs/heads/incoming)" ""
check "the publisher sees it" publisher registry update
equal "each release is there, once" "$(publisher search --json | jq -c '[.modules[].name | select(test("^(path|flow-hook)-"))]')" "$(jq -nc '[("flow-hook-", "path-") + ("1", "2", "3", "4")] | sort')"
equal "the log has them all" "$(git -C "$registry" show main:head.note | head -n 1 | jq .log_size)" 11
git -C "$registry" fsck --no-dangling >"$out" 2>&1 && pass "the repository is sound" || fail "the repository is sound"

# ---- killed at each step

grep -q IOVPKG_FAULT "$IOVPKG" || { skip "killed at each step" "this build has no fault points (--enable-fault-points)"; exit; }
log_size() { git -C "$registry" show main:head.note | head -n 1 | jq .log_size; }
left_over() { refs refs/heads/incoming refs/heads/verdict/none; find "$tmp/publisher/var/cache/iovpkg" -name 'submit.*'; find "$registry" -name '*.lock'; }
# walk NAME VERB...: publishes a new release each time, killed at the 1st, 2nd, ... step, until it survives; the next try ends it.
walk() {
	local name=$1 kill_at=$2 step died=0 status before; shift 2
	for step in 1 2 3 4 5 6 7 8; do
		before=$(log_size) status=0
		$kill_at $step
		"$@" publish "$(module "$name" "1.0.$step")" >"$out" 2>&1 || status=$?
		$kill_at 0
		[ $status -ne 0 ] || break
		died=$((died + 1))
		"$@" publish "$tmp/$name-1.0.$step" >>"$out" 2>&1 || { fail "$name: after a kill at step $step it cannot be published"; return; }
		if [ "$(log_size)" != $((before + 1)) ] || [ -n "$(left_over)" ]; then left_over >>"$out"; fail "$name: after a kill at step $step"; return; fi
	done
	if [ $status -eq 0 ] && [ $died -ge 3 ]; then pass "$name: one release after each of $died kills, and nothing left over"; else fail "$name: $died kills"; fi
}
kill_client() { if [ "$1" = 0 ]; then unset IOVPKG_FAULT; else export IOVPKG_FAULT=$1; fi; }
kill_hook() { if [ "$1" = 0 ]; then rm -f "$tmp/fault"; else echo "$1" >"$tmp/fault"; fi; }
at_the_path() { local verb=$1; shift; author "$verb" "$@" --registry "$registry" --key test; }
at_the_hook() { local verb=$1; shift; publisher "$verb" "$@" --registry main --key work; }
walk killed-path kill_client at_the_path
walk flow-killed kill_hook at_the_hook

# ---- a full disk

[ "$(id -u)" = 0 ] || { skip "a full disk" "needs root"; exit; }
small=$tmp/small
mkdir "$small" && mount -t tmpfs -o size=4m small "$small" 2>>"$out" || { skip "a full disk" "tmpfs cannot be mounted here"; exit; }
cleanup() { stop_servers; umount -l "$tmp/small" 2>/dev/null; }
registry=$small/registry.git
author registry init "$registry" --origin test.example/small --key test >"$out" 2>&1 || fail "a registry on a small disk"
full=0
for room in 8 24 64; do
	before=$(log_size)
	dd if=/dev/zero of="$small/filler" bs=1k count=$(($(df --output=avail -k "$small" | tail -n 1) - room)) 2>/dev/null
	status=0
	author publish "$(module flow-full 1.0.$room)" --registry "$registry" --key test >"$out" 2>&1 || status=$?
	rm "$small/filler"
	case $status:$(log_size) in
	0:$((before + 1))) continue ;;
	13:"$before") full=$((full + 1)) ;;
	*) fail "with $room KiB: exit $status, log size $(log_size) after $before" ;;
	esac
	author publish "$tmp/flow-full-1.0.$room" --registry "$registry" --key test >"$out" 2>&1 || fail "with room again after $room KiB"
	equal "with $room KiB it was refused, then published once" "$(log_size):$(refs refs/heads/incoming)" "$((before + 1)):"
done
[ $full -ge 2 ] && pass "$full sizes were too small" || fail "$full sizes were too small"
git -C "$registry" fsck --no-dangling >"$out" 2>&1 && pass "the small repository is sound" || fail "the small repository is sound"
