#!/bin/bash
# From a host manifest to a lock, and from the lock to the host, without a kernel: exactly what is locked, or nothing.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/releases.sh"
setup_registry
release base 1.0.0
release base 1.1.0
release left 1.0.0 base ^1.0
fingerprint=$(host registry list --json | jq -r '.registries[0].fingerprint')
ci() { "$IOVPKG" --root "$tmp/ci" "$@"; }
versions() { "$@" list --json | jq -r '[.modules[] | "\(.name) \(.version) \(.requirement)"] | join(", ")'; }
locked() { jq -r '[.releases[] | "\(.name) \(.version) \(.requirement)"] | join(", ")' "$tmp/host.lock.json"; }
manifest() { # MODULE REQUIREMENT...
	printf 'schema: 1\nregistries:\n  test: {url: %s, fingerprint: %s}\nmodules:\n' "$registry" "$fingerprint"
	while [ $# -gt 0 ]; do printf "  %s: '%s'\n" "$1" "$2"; shift 2; done
}
cd "$tmp" || exit 1

manifest left ^1.0 >host.yaml
refuses "a dry run trusts no registry" 4 "registry add test $registry --fingerprint $fingerprint" ci lock host.yaml --dry-run
refuses "locked without a lock" 4 "iovpkg lock" host apply host.yaml --locked
check "lock" ci lock host.yaml
equal "has what is needed, and who asked" "$(locked)" "base 1.1.0 null, left 1.0.0 ^1.0"
cp host.lock.json first.json
equal "a second time nothing changes" "$(ci lock host.yaml --json | jq .changed)" false
release base 1.2.0
check "a newer release" ci lock host.yaml
check "does not move what is locked" cmp host.lock.json first.json
equal "--upgrade does, with --dry-run in words alone" "$(ci lock host.yaml --upgrade --dry-run --json | jq -c '.releases')" '[{"change":"upgrade","from":"1.1.0","module":"base","to":"1.2.0"}]'
check "the lock is as it was" cmp host.lock.json first.json
says "what is locked is never too young, what is newer is" "as before" ci lock host.yaml --upgrade --min-age 1h
mkdir new && cp host.yaml new
refuses "without a lock all of it is" 5 "too young" "$IOVPKG" --root "$tmp/other" lock new/host.yaml --min-age 1h
check "another machine" "$IOVPKG" --root "$tmp/other" lock new/host.yaml
check "to the same wishes" ci lock host.yaml --upgrade
check "writes the same bytes" cmp host.lock.json new/host.lock.json
cp first.json host.lock.json

# Each release with the proof that it is what its registry has published.
proved() { jq -c '[.releases[] | has("proof")]' "$1"; }
equal "what is locked is proved" "$(proved host.lock.json)" "[true,true]"
equal "proofs share one root and one head" "$(jq '.notes | length' host.lock.json)" 2
jq 'del(.notes, .releases[].proof)' first.json >old.json
forged() { # NAME WORDS JQ-ARGUMENT...
	local name=$1 words=$2; shift 2
	jq "$@" first.json >host.lock.json
	refuses "$name" 6 "$words" host apply host.yaml --locked --dry-run
	refuses "$name, in earnest" 6 "'host.lock.json' has a wrong proof of 'base' 1.1.0" host apply host.yaml --locked
}
forged "a proof of another release" "run 'iovpkg lock host.yaml'" '.releases[0].proof = .releases[1].proof'
forged "an entry that nobody logged" "fork" '.releases[0].proof.leaf |= sub("1.1.0"; "1.1.1")'
forged "another path to the root" "does not hold its own entry" '.releases[0].proof.hashes[0] |= sub("^...."; "0000")'
forged "a registry that this host did not pin" "but this host trusts $fingerprint" '.releases[0].proof.fingerprint |= sub("^...."; "0000")'
forged "a head that nobody signed" "head" '.notes |= map_values(sub("\"log_size\":3"; "\"log_size\":9"))'
author registry init "$tmp/stranger.git" --origin test.example/modules --key stranger --plain >"$out" 2>&1
git -C "$tmp/stranger.git" show main:root/1.note >stranger.note
forged "the root of a stranger" "is not the one that was pinned" --rawfile root stranger.note '.notes.stranger = $root | .releases[0].proof.roots = ["stranger"]'
jq '.notes = {}' first.json >host.lock.json
refuses "notes that are gone" 3 "names a note that is not there" host apply host.yaml --locked
equal "after that nothing is installed" "$(host list --json | jq -c .modules)" "[]"
jq '.releases[0].proof.leaf = "x"' first.json >host.lock.json
says "lock makes a wrong proof anew" "the lock's proof of 'base' 1.1.0 was wrong" ci lock host.yaml
check "and is as good as new" ci lock host.yaml
cp old.json host.lock.json
check "an older lock has none, and is taken" host apply host.yaml --locked --dry-run
equal "lock adds them" "$(ci lock host.yaml --json | jq -c '[.changed, (.releases | length)]') $(proved host.lock.json)" "[true,0] [true,true]"
cp first.json host.lock.json

check "apply --locked installs exactly it" host apply host.yaml --locked
equal "with its proofs" "$(jq -cS '[.releases[].proof]' "$tmp"/host/var/lib/iovpkg/generations/*/lock.json)" "$(jq -cS '[.releases[].proof]' first.json)"
equal "not the newest" "$(versions host)" "base 1.1.0 null, left 1.0.0 ^1.0"
equal "a second time there is nothing to do" "$(host apply host.yaml --locked --json | jq .changed)" false
check "lock anew" ci lock host.yaml --upgrade
check "apply without --locked keeps what is installed" host apply host.yaml
equal "though there is newer" "$(versions host)" "base 1.1.0 null, left 1.0.0 ^1.0"
check "pin" host pin base
refuses "a pin is not overruled" 5 "iovpkg unpin base" host apply host.yaml --locked
check "unpin" host unpin base
check "with --locked it goes where the lock says" host apply host.yaml --locked
equal "now the newest" "$(versions host)" "base 1.2.0 null, left 1.0.0 ^1.0"
before=$(host list --json | jq .generation)

# Everything that is not exactly it: the difference is named, and nothing changes.
cp host.lock.json good.json
manifest left '*' >host.yaml
refuses "another requirement" 5 "it has 'left' for ^1.0, but the manifest asks for *" host apply host.yaml --locked
manifest left ^1.0 base '*' >host.yaml
refuses "a module that is not locked" 5 "it lacks 'base'" host apply host.yaml --locked
manifest base '*' >host.yaml
refuses "a module that is locked and not asked for" 5 "it has 'left' for ^1.0, which the manifest does not ask for" host apply host.yaml --locked
manifest left ^1.0 >host.yaml
jq '.releases += [{"name":"zero","version":"1.0.0","registry":"test","sha256":.releases[0].sha256,"requirement":null}]' good.json >host.lock.json
refuses "a release that no registry has" 4 "'zero' 1.0.0" host apply host.yaml --locked
jq '.releases[0].sha256 |= sub("^...."; "0000")' good.json >host.lock.json
refuses "other bytes" 4 "no registry has the release that is locked: 'base' 1.2.0 with the archive 0000" host apply host.yaml --locked
jq '.releases |= .[1:]' good.json >host.lock.json
refuses "a dependency that is not locked" 5 "'host.lock.json' lacks 'base', which 'left' 1.0.0 needs" host apply host.yaml --locked
jq '.releases |= reverse' good.json >host.lock.json
refuses "a lock out of order" 3 "out of order" host apply host.yaml --locked
jq '.schema = 2' good.json >host.lock.json
refuses "a lock of the future" 9 "newer iovpkg" host apply host.yaml --locked
head -c 100 good.json >host.lock.json
refuses "half a lock" 3 "not valid JSON" host apply host.yaml --locked
refuses "lock does not write over it unread" 3 "not valid JSON" ci lock host.yaml
cp good.json host.lock.json
sed "s/$fingerprint/${fingerprint//[0-9]/0}/" host.yaml >forged.yaml
refuses "a registry under another fingerprint" 6 "registry rm test" host apply forged.yaml
printf 'schema: 1\nmodules:\n  left: ^1.0\nmodule: x\n' >wrong.yaml
refuses "an unknown key" 3 "wrong.yaml:4:1: unknown key 'module'; did you mean 'modules'?" host apply wrong.yaml
refuses "no manifest" 4 "'missing.yaml'" host apply missing.yaml
equal "after all that the host is as it was" "$(host list --json | jq .generation)" "$before"

manifest base =1.0.0 >host.yaml
host apply host.yaml --dry-run --json >plan.json 2>/dev/null
equal "what the manifest does not have goes" "$(jq -c '[.releases[] | [.module, .change]]' plan.json)" '[["base","downgrade"],["left","remove"]]'
check "apply" host apply host.yaml
equal "wishes are the manifest's" "$(versions host)" "base 1.0.0 =1.0.0"
refuses "a conflict in the manifest is told as a proof" 5 "'base' ^2 is wanted (you asked for it), but there is only" sh -c "sed -i 's/=1.0.0/^2/' host.yaml; echo '  left: ^1' >>host.yaml; '$IOVPKG' --root '$tmp/ci' lock host.yaml"
