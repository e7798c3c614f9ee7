#!/bin/bash
# Who signs what: everything here is whole and fits together, only the keys are not those that it takes. Each refusal names the attack, and the
# client goes on with what it had.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/forge.sh"
need_forge
registry=$tmp/registry.git
for name in test second stranger other; do author key generate $name --plain >"$out" 2>&1 || fail "key generate $name"; done
check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain --publisher "other-*=$(pub other)"
publish flow-table || fail "publish"
check "registry add" host registry add test "$registry" --yes
good=$(now)
test=$(key test) second=$(key second) stranger=$(key stranger) other=$(key other)

# An index file whose lines were changed by JQ, listed in a head that the registry's key signed. relist NAME JQ-ARGUMENT...
relist() {
	local index; index=$(index_of "$1")
	edit "$index" "${@:2}" && forge list "$tree" "$1" && resign
}
# sign_lines -k KEY...: the newest line of flow-table has the signatures of these keys.
sign_lines() {
	local index lines; index=$(index_of flow-table)
	lines=$(jq -cS .release "$index" | forge lines "$@" | jq -R . | jq -cs .)
	relist flow-table --argjson lines "$lines" '.signatures = $lines'
}
# An install sees what an update alone takes for good: the index file.
install() { host registry update && host install flow-table --no-load --dry-run; }
# What the client has seen is a head that nobody else has; the next case begins with another host.
again() {
	restore "$good" && rm -rf "$tmp/host"
	host registry add test "$registry" --yes >"$out" 2>&1 || fail "registry add"
}

# ---- arbitrary software

tree_out; resign -k "$stranger"; tree_in
keeps "a head that a stranger signed" "root 1 names for the registry (arbitrary software attack)" host registry update
tree_out; resign -k "test=$stranger"; tree_in
keeps "a head that a stranger signed under the name of the registry's key" "(arbitrary software attack)" host registry update
again
tree_out; relist flow-table '.release.manifest.summary = "Trust me"'; tree_in
refuses "a record that its publisher did not sign" 6 "is not signed by a publisher whom root 1 allows for that name (arbitrary software attack)" install
again
tree_out; sign_lines -k "$stranger"; tree_in
refuses "a record that a stranger signed" 6 "'flow-table' 1.0.0 in registry 'test' is not signed by a publisher" install
also "its name" "(arbitrary software attack)"
again
tree_out; relist flow-table '.signatures = []'; tree_in
refuses "a record that nobody signed" 6 "(arbitrary software attack)" install
again
tree_out; relist flow-table '.log = 1'; tree_in
refuses "a release that is not in the log" 6 "is not in the log (arbitrary software attack)" install
again

# ---- wrong publisher

tree_out; sign_lines -k "$other"; tree_in
refuses "a publisher of other names" 6 "is signed by 'other', whom root 1 allows for other names only (wrong publisher attack)" install
again

# ---- below threshold, one key twice

two_publishers='know($second) | .publishers |= map(if .pattern == "*" then .keys += [name($second)] | .threshold = 2 else . end)'
tree_out; next_root 2 "$two_publishers" -k "$test"; resign root=2; tree_in
refuses "one publisher where two are asked for" 6 "is signed by 1 of the 2 different publishers that root 2 asks for (below threshold)" install
sign_lines -k "$test" -k "$test"; tree_in
refuses "one publisher who signed twice" 6 "(below threshold; one key counts once, however often it signs)" install
sign_lines -k "$test" -k "test-too=$test"; tree_in
refuses "one publisher who signed under two names" 6 "is signed by 1 of the 2 different publishers" install
sign_lines -k "$test" -k "$second"; tree_in
check "two publishers" install
again

two_hosts='know($second) | .roles.registry = {keys: [name($test), name($second)], threshold: 2}'
tree_out; next_root 2 "$two_hosts" -k "$test"; resign root=2; tree_in
keeps "one signature on a head that needs two" "is signed by 1 of the 2 different keys that root 2 names for the registry (below threshold)" host registry update
resign -k "$test" -k "$test"; tree_in
keeps "one key twice on a head" "(below threshold; one key counts once, however often it signs)" host registry update
resign -k "$test" -k "second=$test"; tree_in
keeps "one key under two names on a head" "is signed by 1 of the 2 different keys" host registry update
resign -k "$test" -k "$second"; tree_in
check "two keys on a head" host registry update
again

two_roots='know($second) | .roles.root = {keys: [name($test), name($second)], threshold: 2}'
tree_out; next_root 2 "$two_roots" -k "$test"; resign root=2; tree_in
keeps "a root with too few signatures of its own keys" "is signed by 1 of the 2 different keys that it names itself for roots (below threshold)" host registry update
tree_out; next_root 2 "$two_roots" -k "$test" -k "$test"; resign root=2; tree_in
keeps "a root signed twice by one key" "(below threshold; one key counts once, however often it signs)" host registry update
twin=$(forge keys -k "twin=$test")
tree_out
next_root 2 "know(\"$twin\") | .roles.root = {keys: [name(\$test), name(\"$twin\")], threshold: 2}" -k "$test" -k "twin=$test"
resign root=2; tree_in
keeps "a root that names one key twice" "role 'root' names one key twice" host registry update

# ---- roots: their order, and those of before

tree_out; next_root 2 "know(\$stranger) | .roles.root.keys = [name(\$stranger)]" -k "$stranger"; resign root=2; tree_in
keeps "a root that only its own key signed" "is not signed by a key that root 1 names for roots (arbitrary software attack)" host registry update
new_key='know($second) | .roles.root.keys = [name($second)] | .roles.registry.keys = [name($second)]'
tree_out; next_root 2 "$new_key" -k "$test" -k "$second"; resign -k "$second" root=2; tree_in
check "a root with another key for everything" host registry update
second_root=$(now)
tree_out; cp "$tree/root/1.note" "$tree/root/3.note"; resign -k "$second" root=3; tree_in
keeps "a root that was valid once, as the next one" "has version 1 after 2; roots follow each other without gaps (rollback attack)" host registry update
tree_out "$second_root"; cp "$tree/root/1.note" "$tree/root/2.note"; rm -f "$tree/root/3.note"; resign root=1; tree_in
keeps "a head of the root before" "it goes with root 1, but root 2 is in force (rollback attack)" host registry update
tree_out "$second_root"; resign -k "$second" root=1; tree_in
keeps "a head that names the root before" "it goes with root 1, but root 2 is in force (rollback attack)" host registry update
tree_out "$second_root"; next_root 3 '.' -k "$test"; resign -k "$second" root=3; tree_in
keeps "a root of the key that root 2 took away" "(arbitrary software attack)" host registry update
tree_out "$second_root"; next_root 3 '.version += 1' -k "$second"; resign -k "$second" root=4; tree_in
keeps "a root that leaves one out" "has version 4 after 2" host registry update
tree_out "$second_root"; next_root 3 '.expires = "2020-01-01T00:00:00Z"' -k "$second"; resign -k "$second" root=3; tree_in
keeps "a root that has expired" "root 3 of registry 'test' expired at 2020-01-01T00:00:00Z" host registry update
tree_out "$second_root"; next_root 3 '.origin = "elsewhere.example/modules"' -k "$second"; resign -k "$second" root=3; tree_in
keeps "a root of another registry" "is of 'elsewhere.example/modules', but the registry is 'test.example/modules'" host registry update
restore "$second_root"
check "the true registry again" host registry update
