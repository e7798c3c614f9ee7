#!/bin/bash
# docs/keys.md, walked: roots of several keys, publishers who come and go, and the loss and the leak of each kind of key.
. "$(dirname "$0")/../lib/test.sh"
. "$(dirname "$0")/../lib/releases.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
registry=$tmp/registry.git
at() { local who=$1; shift; "$IOVPKG" --root "$tmp/$who" "$@"; }
verifier() { cat "$tmp/$1/etc/iovpkg/keys/$2.pub"; }
main() { git -C "$registry" rev-parse main; }
set_main() { git -C "$registry" update-ref refs/heads/main "$1"; }
kind() { git -C "$registry" cat-file -p main:tile/entries/000.p/"$(log_size)" | grep -ao '"kind":"[a-z]*"' | cut -d'"' -f4 | tail -n 1; }
log_size() { git -C "$registry" cat-file -p main:head.note | head -n 1 | jq .log_size; }
names() { host list --json | jq -c '[.modules[].name]'; }

# One key to begin with; then three people, two of whom are enough, and keys of their own for host and publisher.
check "init" author registry init "$registry" --origin test.example/modules --key test --plain
release one 1.0.0
for who in alice bob carol; do at $who key generate $who --plain >"$out"; done
author key generate heads --plain >"$out"
check "a host that installs" host registry add test "$registry" --yes
at offline registry add test "$registry" --yes >"$out"
first=$(main)
says "prepare tells in words" "- roots are signed by 2 of 3 keys, not 1 of 1" author registry root prepare "$registry" -o "$tmp/2.note" --remove-root-key test \
	--add-root-key "$(verifier alice alice)" --add-root-key "$(verifier bob bob)" --add-root-key "$(verifier carol carol)" --root-threshold 2 --registry-key heads
also "what goes" "may no longer sign heads"
refuses "unsigned it is refused" 6 "arbitrary software" author registry root publish "$registry" "$tmp/2.note"
refuses "nobody signs unasked" 16 "is not signed" author registry root sign "$tmp/2.note" --key test </dev/null
says "the key until now signs, and is told what" "may no longer sign heads" author registry root sign "$tmp/2.note" --key test --against "$registry" --yes
refuses "one of the new is not enough" 6 "arbitrary software" author registry root publish "$registry" "$tmp/2.note"
git -C "$registry" cat-file -p main:root/1.note >"$tmp/root-1.note"
says "alice signs elsewhere" "2 signatures" at alice registry root sign "$tmp/2.note" --against "$tmp/root-1.note" --yes
refuses "below threshold" 6 "below threshold" author registry root publish "$registry" "$tmp/2.note"
cp "$tmp/2.note" "$tmp/twice.note" && tail -n 1 "$tmp/2.note" >>"$tmp/twice.note"
refuses "the same key twice counts once" 6 "one key counts once" author registry root publish "$registry" "$tmp/twice.note"
says "alice again adds nothing" "was signed before" at alice registry root sign "$tmp/2.note" --yes
says "bob signs elsewhere" "3 signatures" at bob registry root sign "$tmp/2.note" --yes
says "two are enough" "root 2 of test.example/modules is in force" author registry root publish "$registry" "$tmp/2.note"
says "again is success" "in force already" author registry root publish "$registry" "$tmp/2.note"
equal "the log tells of it" "$(kind)" root
says "hosts follow" "now at" host registry update test
equal "and know it" "$(host registry root show test --json | jq -c '[.root.version, .root.root.threshold, .chain[].version]')" '[2,2,1,2]'
check "the release of before is good" host install one --no-load
refuses "the old registry key signs no more" 6 "may not sign" author registry refresh "$registry" --key test
check "the new one does" author registry refresh "$registry"
refuses "a root of before is no next one" 5 "prepare the root again" bash -c "sed 's/\"version\":2/\"version\":4/' '$tmp/2.note' >'$tmp/4.note'; '$IOVPKG' --root '$tmp/alice' registry root sign '$tmp/4.note' --against '$registry' --yes"

# next WORDS...: a root that is prepared, signed by two, and published
next() {
	rm -f "$tmp/next.note"
	author registry "$@" -o "$tmp/next.note" && at alice registry root sign "$tmp/next.note" --yes && at bob registry root sign "$tmp/next.note" --yes &&
		author registry root publish "$registry" "$tmp/next.note"
}
# put KEY NAME VERSION: publishes a small module with this key of the author's; put_at WHO ...: with one of somebody else's
put() { put_at author "$@"; }
put_at() {
	local who=$1; shift
	source_module "$2" "$3" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		char LICENSE[] SEC("license") = "GPL";
		SEC("raw_tp/sys_enter")
		int nothing(void *ctx)
		{
			return 0;
		}
	END
	at "$who" publish "$dir" --registry "$registry" --key "$1"
}
versions() { host info "$1" --json 2>"$tmp/warnings" | jq -c '[.releases[].version]'; }

# Publishers come and go.
for who in dora erik; do author key generate $who --plain >"$out"; done
refuses "two root keys are more than one command can give" 4 "-o FILE" author registry grant "$registry" 'two*' dora
check "dora may publish two*" next grant "$registry" 'two*' dora
equal "a grant in the log" "$(kind)" grant
refuses "she may already" 5 "may publish 'two*' already" author registry grant "$registry" 'two*' dora -o "$tmp/x.note"
refuses "who decided over these names before does no longer" 6 "needs a good signature of 'dora'" put test two 1.0.0
check "dora publishes" put dora two 1.0.0
check "erik takes over" next root prepare "$registry" --publisher "two*=erik" --remove-publisher "two*=dora"
refuses "dora publishes no more" 6 "needs a good signature of 'erik'" put dora two 1.1.0
check "erik does" put erik two 1.1.0
host registry update test >"$out" 2>&1
equal "her releases stay good" "$(versions two)" '["1.1.0","1.0.0"]'
check "and verify" host install two@=1.0.0 --no-load
says "from the pin to the bytes" "two" host verify two

# A publisher's key leaked: what it signed from an entry of the log on is refused, the rest stays good.
since=$(log_size)
check "a thief publishes with erik's key" put erik two 1.2.0
host registry update test >"$out" 2>&1
equal "hosts take it" "$(versions two)" '["1.2.0","1.1.0","1.0.0"]'
check "revoked since then" next revoke "$registry" 'two*' erik --since "$since"
equal "a revoke in the log" "$(kind)" revoke
host registry update test >"$out" 2>&1
equal "the release of the thief is gone" "$(versions two)" '["1.1.0","1.0.0"]'
says "and named as what it is" "(stolen key)" cat "$tmp/warnings"
refuses "nobody gets it by its version" 5 "1.2.0" host install two@=1.2.0 --no-load
refuses "his other releases neither" 6 "needs a good signature" put erik two 1.3.0
refuses "its version is not free" 5 "published already" put test two 1.2.0
refuses "it is not granted again" 5 "make a new one" author registry grant "$registry" 'two*' erik -o "$tmp/x.note"
also "since it leaked" "key 'erik' leaked"
refuses "for no other names either" 5 "(stolen key)" author registry root prepare "$registry" --publisher "six=$(verifier author erik)" -o "$tmp/x.note"
refuses "nor as a root key" 5 "(stolen key)" author registry root prepare "$registry" --add-root-key erik -o "$tmp/x.note"
refuses "nor as the registry's" 5 "(stolen key)" author registry root prepare "$registry" --registry-key erik -o "$tmp/x.note"
says "root show says so" "; it leaked" author registry root show "$registry"
check "a key that left without a leak comes back" next grant "$registry" 'two*' dora
check "and publishes" put dora twofold 1.0.0
check "it goes again" next revoke "$registry" 'two*' dora

# Two publishers for one release, on two machines.
cp "$tmp"/alice/etc/iovpkg/keys/alice.* "$tmp/author/etc/iovpkg/keys/"
check "three publishers, two of whom have to sign" next root prepare "$registry" --publisher "three=$(verifier alice alice)" \
	--publisher "three=$(verifier bob bob)" --publisher-threshold three=2
refuses "one publisher alone" 6 "below threshold" put alice three 1.0.0
check "a release is prepared" author publish --prepare "$tmp/three.note" "$dir"
refuses "unsigned it is not submitted" 3 "nobody has signed" author publish --prepared "$tmp/three.note" --registry "$registry"
check "alice signs" at alice key sign "$tmp/three.note"
cp "$tmp/three.note" "$tmp/again.note" && cp "$tmp/three.note.iov" "$tmp/again.note.iov" && tail -n 1 "$tmp/three.note" >>"$tmp/again.note"
refuses "twice the same key" 6 "one key counts once" author publish --prepared "$tmp/again.note" --registry "$registry"
check "bob signs elsewhere" at bob key sign "$tmp/three.note"
echo >>"$tmp/again.note.iov"
refuses "another archive than the one signed for" 3 "not the archive" author publish --prepared "$tmp/again.note" --registry "$registry"
says "two are enough" "three 1.0.0: published" author publish --prepared "$tmp/three.note" --registry "$registry"
host registry update test >"$out" 2>&1
check "hosts take it" host install three --no-load
check "one more has to sign from now on" next root prepare "$registry" --publisher "three=$(verifier carol carol)" --publisher-threshold three=3
host registry update test >"$out" 2>&1
equal "what two have signed before stays good" "$(versions three)" '["1.0.0"]'

# The registry's key was stolen: the thief signs heads and takes in what he likes; a root goes on from the last good commit.
good=$(main)
good_size=$(log_size)
check "the thief takes something in" put test four 6.6.6
for _ in 1 2 3; do author registry refresh "$registry" >"$out" 2>&1; done
stolen=$(main)
host registry update test >"$out" 2>&1
equal "hosts saw it" "$(versions four)" '["6.6.6"]'
author key generate heads2 --plain >"$out"
refuses "no commit at all" 3 "is not a commit id" author registry root prepare "$registry" --registry-key heads2 --resume nonsense -o "$tmp/x.note"
says "what the root will do" "the log goes on from entry $good_size" author registry root prepare "$registry" --registry-key heads2 --resume "$good" -o "$tmp/next.note"
check "alice signs" at alice registry root sign "$tmp/next.note" --yes
check "bob signs" at bob registry root sign "$tmp/next.note" --yes
refuses "it says where it goes on from" 2 "--resume" author registry root publish "$registry" "$tmp/next.note" --key heads2
refuses "from no other commit" 5 "has a log of" author registry root publish "$registry" "$tmp/next.note" --key heads2 --resume "$first"
refuses "not with the stolen key" 6 "may not sign" author registry root publish "$registry" "$tmp/next.note" --key heads --resume "$good"
check "it is published" author registry root publish "$registry" "$tmp/next.note" --key heads2 --resume "$good"
equal "the log goes on from there" "$(log_size)" $((good_size + 1))
check "main only went forward" git -C "$registry" merge-base --is-ancestor "$stolen" main
says "hosts follow and are told" "goes on from entry $good_size" host registry update test
refuses "what the thief took in is gone" 4 "four" host info four
equal "all else is there" "$(versions two)" '["1.1.0","1.0.0"]'
check "and goes on" put test four 1.0.0
resumed=$(main)
set_main "$stolen"
refuses "the thief's state is old now" 6 "rollback" host registry update test
equal "and changes nothing" "$(host --offline info two --json 2>/dev/null | jq '.releases | length')" 2

# The git server's account was stolen: main can be put back or aside, and hosts refuse it until it is restored.
set_main "$first"
refuses "a root that was once valid" 6 "rollback" host registry update test
set_main "$resumed"
check "restored" host registry update test
says "nothing was lost" "four" host info four

# A host that slept through all of it follows from root 1 to the newest.
equal "it knows root 1" "$(at offline registry root show test --json | jq .root.version)" 1
check "it wakes up" at offline registry update test
equal "and is there" "$(at offline registry root show test --json | jq .root.version)" "$(author registry root show "$registry" --json | jq .root.version)"

# A root key is lost: the others replace it. Two of three leaked: nothing stops who has them but a new registry.
at dave key generate dave --plain >"$out"
check "carol lost hers, dave takes her place" next root prepare "$registry" --remove-root-key "$(verifier carol carol)" --add-root-key "$(verifier dave dave)"
check "a passphrase too late is a revoked key" at carol key revoke carol
refuses "which signs no more" 4 "is revoked" at carol key sign "$tmp/three.note" --key carol
host registry update test >"$out" 2>&1
equal "three keys, two are needed" "$(host registry root show test --json | jq -c '[.root.root.threshold, (.root.root.keys | length)]')" '[2,3]'
refuses "a threshold that cannot be met is never made" 2 "would have 3 keys and need 4" author registry root prepare "$registry" --root-threshold 4 -o "$tmp/x.note"
at alice registry add test "$registry" --yes >"$out" 2>&1
says "which registries have to be told" "root key" at alice key revoke alice --json

check "and the whole log fits the index" author registry audit "$registry"

# A host's pin is wrong or gone: it is set again by the fingerprint that the owner tells.
fingerprint=$(host registry root show test --json | jq -r '.chain[0].sha256')
check "forget" host registry rm test
refuses "another fingerprint" 6 "fingerprint" host registry add test "$registry" --fingerprint "$(printf '0%.0s' {1..64})"
check "the right one" host registry add test "$registry" --fingerprint "$fingerprint"
check "and all is there" host install two --no-load
