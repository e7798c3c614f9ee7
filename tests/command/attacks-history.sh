#!/bin/bash
# A registry's host that signs another past: everything fits together under its own key, and only who has seen it before notices. Each refusal names
# the attack, and the client goes on with what it had.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/forge.sh"
. "$top/tests/lib/releases.sh"
need_forge
setup_registry
author key generate stranger --plain >"$out" 2>&1 || fail "key generate"
early=$(now)
for version in 1.0.0 1.1.0; do release guard $version; done
older=$(now)
release guard 1.2.0
author yank guard@1.1.0 --reason "drops packets" --registry "$registry" --key test >"$out" 2>&1 || fail "yank"
good=$(now)
module=guard
host registry update >"$out" 2>&1
says "the client has read the index" "drops packets" host info guard
update() { host registry update; }

# relisted JQ-ARGUMENT...: another index file of guard, with the head that belongs to it.
relisted() { tree_out "$good"; edit "$(index_of guard)" "$@" && forge list "$tree" guard && resign && tree_in; }
# logged FILTER...: the same with a log that goes on after what the filter makes of its leaves.
logged() {
	local jq=$1; shift
	tree_out "$good"; forge leaves "$tree" | "$@" >"$tmp/leaves" && forge log "$tree" <"$tmp/leaves" && edit "$(index_of guard)" "$jq" &&
		forge list "$tree" guard && resign && tree_in
}
sign_again() { # JQ: the record of guard 1.0.0 changed, and signed by its publisher
	local record lines
	tree_out "$good"
	record=$(head -n 1 "$(index_of guard)" | jq -cS ".release | $1")
	lines=$(echo "$record" | forge lines -k "$(key test)" | jq -R . | jq -cs .)
	edit "$(index_of guard)" --argjson record "$record" --argjson lines "$lines" 'if .log == 0 then .release = $record | .signatures = $lines else . end'
}

# ---- release vanished, and with it the rollback of one index file

relisted 'select(.log != 2)'
keeps "a release that is no longer there" "no longer has 'guard' 1.2.0 (release vanished)" update
tree_out "$good"; main show "$older:${index_guard:=$(forge place guard | cut -d' ' -f2)}" >"$tree/$index_guard"; forge list "$tree" guard; resign; tree_in
keeps "an older index file under a new head" "(yank undone)" update
tree_out "$good"; rm "$(index_of guard)"; forge list "$tree" guard; resign; tree_in
keeps "a module that is no longer there" "(release vanished)" update
tree_out "$early"; resign version=99 issued=+0 expires=+90000; tree_in
keeps "a registry that begins anew" "shows a shorter log" update

# ---- release replaced under its version

sign_again '.manifest.summary = "Another one"'; forge list "$tree" guard; resign; tree_in
keeps "another record under a version" "(release replaced)" update
sign_again '.archive.sha256 = "0" * 64'; forge list "$tree" guard; resign; tree_in
keeps "other bytes under a version" "(release replaced)" update
logged 'if .log == 0 then .log = 4 else . end' sed '1{h;p;d}; ${p;x}'
keeps "a version that was published once more" "(release replaced)" update
relisted 'if .log == 2 then ., (.log = 1) else . end'
keeps "a version twice" "(release replaced)" update

# ---- yank undone

relisted '.yanked = null'
keeps "a yank that is gone" "'guard' 1.1.0 (yank undone)" update
relisted 'if .log == 1 then .yanked = {log: 0} else . end'
keeps "a yank taken back by nothing" "(yank undone" update
logged 'if .log == 1 then .yanked = {log: 4} else . end' sed '1{h;p;d}; ${p;x}'
keeps "a yank taken back by a log entry that says no such thing" "(yank undone, or made up)" update
logged 'if .log == 1 then .yanked = {log: 4} else . end' sed '${p;s/"reason":"drops packets",//;s/"kind":"yank"/"kind":"unyank"/g}'
keeps "a yank taken back by its own statement, changed" "uses an old statement again for 'guard' 1.1.0 (yank undone)" update
logged 'if .log == 1 then .yanked = {log: 4} else . end' sed '${p;s/"reason":"drops packets",//;s/"kind":"yank"/"kind":"unyank"/g;s/"since":[0-9]*/"since":3/}'
keeps "a yank taken back by a statement that nobody signed" "(wrong publisher)" update
relisted 'if .log == 2 then .yanked = {log: 1, reason: "made up"} else . end'
keeps "a yank that is made up" "made up" update

# ---- the work of a stolen key

restore "$good"
author registry revoke "$registry" '*' test --since 2 --key test --yes >"$out" 2>&1 || fail "registry revoke"
check "a root that says since when a publisher's key was stolen" host registry update
refuses "what it signed from then on is not chosen" 5 "1.2.0" host install guard@=1.2.0 --no-load
also "its name" "(stolen key)"
check "what it signed before is" host install guard@=1.0.0 --no-load
