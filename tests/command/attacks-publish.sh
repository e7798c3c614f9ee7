#!/bin/bash
# What does not get into a registry, and which registry a name comes from: publishers who mean harm, and a second registry that has the same names.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/forge.sh"
. "$top/tests/lib/releases.sh"
need_forge
setup_registry
for name in second stranger; do author key generate $name --plain >"$out" 2>&1 || fail "key generate"; done
release guard 1.0.0
module=guard
good=$(now)
tree_out
sha=$(jq -r .release.archive.sha256 "$(index_of guard)")
record=$(jq -cS .release "$(index_of guard)")
archive=$(main rev-parse "refs/packages/$sha:archive")

# submit JQ -k KEY...: the release of guard 1.0.0, changed and signed by these keys, waits.
submit() {
	local text change=$1 note tree commit; shift
	text=$(jq -cS "$change" <<<"$record")
	note=$({ printf '%s\n\n' "$text"; echo "$text" | forge lines "$@"; } | main hash-object -w --stdin)
	tree=$(printf '100644 blob %s\tarchive\n100644 blob %s\trelease.note\n' "$archive" "$note" | main mktree)
	commit=$(main -c user.name=x -c user.email=x@example.org commit-tree "$tree" -m x)
	main update-ref "refs/heads/incoming/$sha" "$commit"
}
# not_taken NAME WORDS: what waits is refused, nothing changes, and nothing waits any more.
not_taken() {
	author registry accept "$registry" --key test >"$out" 2>&1
	if grep -qF -- "$2" "$out"; then pass "$1"; else fail "$1: expected '$2'"; fi
	equal "$1: nothing changes" "$(now) $(main for-each-ref refs/heads/incoming)" "$good "
}

# ---- name squatting

for name in guard_ Guard GUARD g_uard; do
	submit ".manifest.name = \"$name\"" -k "$(key test)"
	not_taken "a name that is '$name'" "(name squatting)"
done
submit '.manifest.name = "gu\u0430rd"' -k "$(key test)"
not_taken "a letter that looks like another" "is not a module's name"
submit '.manifest.name = "../guard"' -k "$(key test)"
not_taken "a name that is a path" "is not a module's name"

# ---- publishers

submit . -k "$(key stranger)"
not_taken "a stranger's release" "is signed by 'stranger'"
submit . -k "test=$(key stranger)"
not_taken "a stranger's under the publisher's name" "needs a good signature of 'test'"
submit '.manifest.summary = "Other words"' -k "$(key test)"
not_taken "another record of a published archive" "guard"
submit '.archive.size += 1 | .manifest.version = "1.1.0"' -k "$(key test)"
not_taken "a record of another archive" "but its record says"
submit '.archive.files[0].sha256 = "0" * 64 | .manifest.version = "1.1.0"' -k "$(key test)"
not_taken "a record of other files" "but the record says"
submit '.manifest.version = "1.1.0"' -k "$(key test)"
not_taken "a record that says other than its archive" "says something else than its record"

# ---- dependency confusion

check "guard comes from the one registry that has it" host install guard --no-load
first=$registry
author registry init "$tmp/second.git" --origin second.example/modules --key second >"$out" 2>&1 || fail "registry init"
registry=$tmp/second.git
publish() { author publish "$1" --registry "$registry" --key second >"$out" 2>&1; }
release guard 9.0.0
release door 1.0.0 guard '>=1.0'
check "another registry has it too, in a higher version" host registry add second "$registry" --yes
check "an upgrade" host upgrade guard
refuses "a version that only the other one has" 5 "there is only 1.0.0" host install guard@=9.0.0 --no-load
check "a module of the other, which depends on it" host install door --no-load
equal "what is installed from one registry stays with it" "$(host list --json | jq -c '[.modules[] | [.name, .version, .registry]]')" \
	'[["door","1.0.0","second"],["guard","1.0.0","test"]]'
fresh() { "$IOVPKG" --root "$tmp/fresh" "$@"; }
check "a host that has neither" fresh registry add test "$first" --yes
check "adds both" fresh registry add second "$registry" --yes
refuses "a name in two registries" 5 "registries 'second' and 'test' both have a module 'guard', and one must not pass for the other (dependency confusion)" \
	fresh install guard --no-load
refuses "a dependency in two registries" 5 "(dependency confusion)" fresh install door --no-load
refuses "a version that only one of them has" 5 "(dependency confusion)" fresh install guard@=9.0.0 --no-load
equal "nothing was installed" "$(fresh list --json | jq '.modules | length')" 0
check "without the other registry" fresh registry rm second
check "it can be" fresh install guard --no-load
