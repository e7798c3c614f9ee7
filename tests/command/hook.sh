#!/bin/bash
# git's hook proc-receive: what is pushed over https, ssh and a path is judged before the push ends, and the publisher reads why.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools jq git ssh-keygen
need_git_backend
registry=$tmp/registry.git lab=$tmp/lab.git

publisher() { "$IOVPKG" --root "$tmp/publisher" "$@"; }
stranger() { "$IOVPKG" --root "$tmp/stranger" "$@"; }
refs() { git -C "$1" for-each-ref; }
releases() { publisher info flow-table --json | jq -c '[.releases[].version]'; }
# module VERSION [FIELD]: prints a folder with flow-table in that version, with another name for the field `packets`.
module() {
	local dir=$tmp/flow-table-$1${2:+-$2}
	cp -r "$top/bpf-samples/flow-table" "$dir"
	sed -i "s/^version: .*/version: $1/" "$dir/iov.yaml"
	[ -z "${2:-}" ] || sed -i "s/packets/$2/g" "$dir"/src/*.[ch]
	echo "$dir"
}
# by_hand DIR: the submission as a client without any checks makes it; prints its ref, in $lab.
by_hand() {
	rm -rf "$lab"
	author registry init "$lab" --origin test.example/lab --key test --plain --publisher "*=$key" &&
		publisher publish "$1" --registry "$lab" --key work || return
} >>"$out" 2>&1
made() { git -C "$lab" for-each-ref --format='%(refname)' refs/heads/incoming; }
push() { local ref; ref=$(made) && git -C "$lab" push -q "$1" "$ref:${2:-$ref}"; }

key=$(publisher key generate work --plain | tail -n 1)
check "init --hook" author registry init "$registry" --origin test.example/modules --key test --plain --publisher "flow-*=$key" --hook
equal "git asks the hook about every ref" "$(git -C "$registry" config receive.procReceiveRefs)" refs
says "the hook runs accept with the key and the root" "--root '$tmp/author' registry accept . --hook --key 'test'" cat "$registry/hooks/proc-receive"
[ -x "$registry/hooks/proc-receive" ] && pass "git can run it" || fail "git can run it"
sed -i "s|^exec iovpkg |exec '$IOVPKG' |" "$registry/hooks/proc-receive"
before=$(refs "$registry")

# ---- git alone

by_hand "$(module 1.0.0)"
refuses "nothing is pushed to main" 1 "takes submissions alone" push "$registry" refs/heads/other
refuses "nor under another name" 1 "takes submissions alone" push "$registry" refs/heads/incoming/0123
refuses "nor under another digest" 1 "it was submitted as 0000" push "$registry" "refs/heads/incoming/$(printf '0%.0s' {1..64})"
refuses "nothing is deleted" 1 "takes submissions alone" git -C "$lab" push -q "$registry" :refs/heads/main
equal "after the refusals the registry is as it was" "$(refs "$registry")" "$before"
says "git push of a submission" "accepted publish flow-table 1.0.0" push "$registry"
check "a client sees it" publisher registry add main "$registry" --yes
equal "it is published" "$(releases)" '["1.0.0"]'
equal "nothing waits" "$(refs "$registry" | grep -c incoming)" 0
check "the same again is success" push "$registry"
git -C "$registry" fsck --no-dangling >"$out" 2>&1 && pass "the repository is sound" || fail "the repository is sound"

before=$(refs "$registry")
by_hand "$(module 1.0.0 pkts)"
refuses "other bytes under a version" 1 "(conflict: 'flow-table' 1.0.0 is published already with other bytes" push "$registry"
by_hand "$(module 1.1.0 pkts)"
refuses "a version that does not say what its exports do" 1 "(contract: 'flow-table' 1.1.0 changes maps" push "$registry"
also "it says which would" "so make it 2.0.0"
cp -r "$top/bpf-samples/exec-trace" "$tmp/exec-trace"
by_hand "$tmp/exec-trace"
refuses "a name that is not his" 1 "(untrusted: 'exec-trace' 1.0.0 is signed by 'work'" push "$registry"
equal "the registry is as it was" "$(refs "$registry")" "$before"

# ---- https

make_certificates >"$out" 2>&1 || { fail "certificates"; exit 1; }
port=$(free_port)
for one in publisher stranger; do mkdir -p "$tmp/$one/etc/iovpkg" && cp "$web/ca.pem" "$tmp/$one/etc/iovpkg/"; done
cp -r "$tmp/publisher/etc/iovpkg/keys" "$tmp/stranger/etc/iovpkg/"
git -C "$registry" config http.receivepack true
web_config <<END
server {
	$(web_listen "$port")
	location / { $(web_git "$tmp") }
}
END
start_git_backend
start_web "$port"
url=https://localhost:$port/registry.git

says "https: publish ends with the release in the index" "1.0.1: submitted" stranger publish "$(module 1.0.1)" --registry "$url" --key work
also "the registry's words are passed on" "says: accepted publish flow-table 1.0.1"
check "https: the same from where the registry is read" publisher registry add web "$url" --yes
publisher registry rm main >>"$out" 2>&1
says "and its index says so" "1.0.2: published" publisher publish "$(module 1.0.2)" --registry web --key work
says "publishing it again" "already published" publisher publish "$tmp/flow-table-1.0.2" --registry web --key work
for how in "" --dry-run; do
	refuses "https: foreseen: the contract $how" 7 "so make it 2.0.0" publisher publish "$tmp/flow-table-1.1.0-pkts" --registry web --key work $how
	refuses "https: foreseen: the version $how" 5 "published already with other bytes" publisher publish "$tmp/flow-table-1.0.0-pkts" --registry web --key work $how
	refuses "https: foreseen: the key $how" 6 "is signed by 'work'" publisher publish "$tmp/exec-trace" --registry web --key work $how
done
says "a dry run of what is new" "would be published" publisher publish "$(module 1.0.3)" --registry web --key work --dry-run
says "a dry run of what is there" "already published" publisher publish "$tmp/flow-table-1.0.2" --registry web --key work --dry-run
before=$(refs "$registry")
refuses "https: not foreseen: the contract" 7 "so make it 2.0.0" stranger publish "$tmp/flow-table-1.1.0-pkts" --registry "$url" --key work
refuses "https: not foreseen: the version" 5 "published already with other bytes" stranger publish "$tmp/flow-table-1.0.0-pkts" --registry "$url" --key work
refuses "https: not foreseen: the key" 6 "signed by 'work'" stranger publish "$tmp/exec-trace" --registry "$url" --key work
equal "https: the registry is as it was" "$(refs "$registry")" "$before"

# ---- the host is in trouble: nothing is refused, all waits

mv "$tmp/author/etc/iovpkg/keys" "$tmp/author/etc/iovpkg/keys.away"
says "without the key the submission waits" "1.0.3: submitted" publisher publish "$tmp/flow-table-1.0.3" --registry web --key work
also "and the publisher is told" "it waits, and need not be published again"
equal "it does" "$(refs "$registry" | grep -c refs/heads/incoming/)" 1
check "the same again is success" publisher publish "$tmp/flow-table-1.0.3" --registry web --key work
mv "$tmp/author/etc/iovpkg/keys.away" "$tmp/author/etc/iovpkg/keys"
says "the next accept takes it" "accepted publish flow-table 1.0.3" author registry accept "$registry"
equal "nothing waits any more" "$(refs "$registry" | grep -c refs/heads/incoming/)" 0

# ---- a path, where libgit2 runs no hook

says "a local path" "1.0.4: submitted" publisher publish "$(module 1.0.4)" --registry "$registry" --key work
also "says what it waits for" "waits for 'iovpkg registry accept $registry' (on a local path no hook is run)"
says "and accept takes it" "accepted publish flow-table 1.0.4" author registry accept "$registry"
equal "and it waits no more" "$(refs "$registry" | grep -c refs/heads/incoming/)" 0

# ---- ssh

if ! can_log_in; then skip "ssh" "the user $(id -un) cannot log in"; exit; fi
port=$(free_port) ssh_home=$tmp/publisher/etc/iovpkg/.ssh
mkdir -p "$ssh_home" "$shell" && ssh-keygen -q -t ed25519 -N "" -C test -f "$ssh_home/id_ed25519" && cp "$ssh_home/id_ed25519.pub" "$shell/authorized"
start_sshd "$port"
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$shell/host.pub")" >"$ssh_home/known_hosts"
says "ssh: publish" "says: accepted publish flow-table 1.0.5" publisher publish "$(module 1.0.5)" --registry "ssh://$(id -un)@127.0.0.1:$port$registry" --key work
refuses "ssh: a refusal" 7 "so make it 2.0.0" publisher publish "$tmp/flow-table-1.1.0-pkts" --registry "ssh://$(id -un)@127.0.0.1:$port$registry" --key work
check "the client sees what came over ssh" publisher registry update
equal "all is there" "$(releases)" '["1.0.5","1.0.4","1.0.3","1.0.2","1.0.1","1.0.0"]'
