#!/bin/bash
# What is shown to whom and when, with the registry's own key: older states, expired ones, mixed ones, other stories, too much. Each refusal names
# the attack, and the client goes on with what it had.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/forge.sh"
. "$top/tests/lib/releases.sh"
need_forge
setup_registry
for version in 1.0.0 1.1.0; do release guard $version; done
release other 1.0.0
module=guard
first=$(now)
release guard 1.2.0
good=$(now)
check "the client has seen four releases" host registry update
old() { main show "$first:${1#"$tree/"}"; }
update() { host registry update; }
# The state that the client keeps, as if another head had been seen: seen MEMBER=VALUE...
seen() {
	local kept=$tmp/host/var/lib/iovpkg/registries/test/head.json
	tree_out "$good" && resign version=+0 "$@"
	jq --rawfile head "$tree/head.note" '.head = $head' "$kept" >"$tmp/kept" && cp "$tmp/kept" "$kept"
}

# ---- rollback

restore "$first"
keeps "an older state" "an old state is played back (rollback attack)" update
tree_out "$first"; resign version=+0; tree_in
keeps "an older state, signed again today" "shows head 4, but this host has seen head 5" update
tree_out "$good"; old "$(index_of guard)" >"$(index_of guard)"; tree_in
update >"$out" 2>&1
refuses "an older index file" 6 "is not what head 5 names (mix-and-match attack)" host info guard
also "its path" "index/"
refuses "which is not installed from" 6 "(mix-and-match attack)" host install guard --no-load
restore "$good"; update >"$out" 2>&1

# ---- freeze

tree_out "$good"; resign issued=-200000 expires=-100; tree_in
keeps "a head issued before the one that was seen" "time does not go back (freeze attack)" update
tree_out "$good"; resign issued=+0 expires=+0; tree_in
keeps "a head that has expired" "newer releases may be held back from this host (freeze attack)" update
tree_out "$good"; resign issued=+100000 expires=+200000; tree_in
keeps "a head of days to come" "with a clock that is behind, newer releases could be held back unnoticed (freeze attack)" update
restore "$good"
seen issued=-200000 expires=-100
refuses "a head that has expired since it was seen" 6 "'iovpkg registry update test'" host install guard --no-load
also "its name" "(freeze attack)"
seen issued=+100000 expires=+200000
refuses "a clock that was set back since" 6 "(freeze attack); set the clock" host install guard --no-load
refuses "an update does not help it" 6 "(freeze attack)" update
seen
check "with the clock set right it works" host install guard --no-load --dry-run

# ---- mix and match

mixed() { # NAME WORDS: what is in $tree
	tree_in
	keeps "$1" "$2" update
	tree_out "$good"
}
tree_out "$good"
old manifest/top >"$tree/manifest/top"; mixed "an older manifest" "is not the one that head 5 names (mix-and-match attack)"
echo >>"$tree/manifest/top"; mixed "a longer manifest" "(mix-and-match attack)"
old checkpoint >"$tree/checkpoint"; mixed "an older checkpoint" "tells of another log than its head (fork)"
resign log_size=+1; mixed "a log that is longer than its tiles" "which its size demands"
rm -r "$tree/tile"; resign; rm -f "$tree/manifest/top"; mixed "no manifest" "it has no 'manifest/top'"
old head.note >"$tree/head.note"; mixed "an older head" "(rollback attack)"
restore "$good"
author registry init "$tmp/twin.git" --origin elsewhere.example/modules --key test --plain >"$out" 2>&1 || fail "registry init"
git -C "$tmp/twin.git" show main:head.note >"$tree/head.note"; mixed "the head of another registry of the same key" "it was taken from elsewhere"
tree_out "$good"; old "$(shard_of guard)" >"$(shard_of guard)"; tree_in
update >"$out" 2>&1
refuses "an older shard" 6 "is not what head 5 names (mix-and-match attack)" host info guard
tree_out "$good"; mkdir -p "$(dirname "$(index_of guarc)")"; cp "$(index_of guard)" "$(index_of guarc)"; forge list "$tree" guarc; resign; tree_in
update >"$out" 2>&1
refuses "the index of one module under the name of another" 6 "answers for 'guarc' with a release of 'guard' (wrong name attack)" host info guarc

# ---- fork

again() { restore "$good" && rm -rf "$tmp/host" && host registry add test "$registry" --yes >"$out" 2>&1 || fail "registry add"; }
again
relog() { forge leaves "$tree" | "$@" >"$tmp/leaves" && forge log "$tree" <"$tmp/leaves"; }
tree_out "$good"; relog sed '2s/1.1.0/1.1.1/'; resign; tree_in
keeps "another log of the same length" "shows another log of the same length: it tells this host another story than before (fork)" update
tree_out "$good"; relog sed '2s/1.1.0/1.1.1/; 4p'; resign; tree_in
keeps "a longer log that is another one" "does not go on from the 4 entries seen before (fork)" update
tree_out "$good"; relog sed '4d'; resign; tree_in
keeps "a shorter log" "shows a shorter log" update
tree_out "$good"; relog sed 4p; resign version=+0; tree_in
keeps "a second head of the same version" "shows a second head of the same version" update
tree_out "$good"; relog sed 4p; printf 'x%.0s' {1..160} >"$tree/tile/0/000.p/5"; resign; tree_in
keeps "tiles that do not give the root" "do not give the root that head 6 names" update
tree_out "$good"; relog sed 4p; resign; tree_in
check "a log that goes on" update
again

# ---- endless data

zeros() { head -c "$1" /dev/zero; }
endless() { # NAME WORDS, like mixed
	tree_in
	keeps "$1" "$2" update
	tree_out "$good"
}
tree_out "$good"
zeros 9000000 >"$tree/head.note"; endless "a head of 9 MB" "'head.note' has 9000000 bytes, more than the"
zeros 100000000 >"$tree/manifest/top"; endless "a manifest of 100 MB" "'manifest/top' has 100000000 bytes, more than the"
resign manifest_size=99999999999; endless "a manifest that is said to be endless" "(endless data attack)"
{ sed '/^$/,$d' "$tree/head.note"; zeros 200000 | tr '\0' ' '; } >"$tree/x"; mv "$tree/x" "$tree/head.note"; endless "a head without an end" "is no signed note"
zeros 20000000 >"$(index_of guard)"; forge list "$tree" guard; resign; tree_in
update >"$out" 2>&1
refuses "an index file of 20 MB" 6 "has 20000000 bytes, more than the" host info guard
again
