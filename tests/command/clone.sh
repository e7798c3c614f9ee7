#!/bin/bash
# A host's clone of a registry stays small: packed anew when it has many packs, killed on the way, with a full disk, beside readers. Over HTTP, where a
# clone is one commit deep, and from a path, where it is whole. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools jq git
need_git_backend
registry=$tmp/registry.git packs_max=50

client() { "$IOVPKG" --root "$tmp/$1" "${@:2}"; }
clone() { echo "$tmp/$1/var/lib/iovpkg/registries/main/git"; }
packs() { find "$(clone "$1")/objects/pack" -name '*.pack' | wc -l; }
seen() { jq -r .commit "$tmp/$1/var/lib/iovpkg/registries/main/head.json"; }
# The clone is the worker's own user's.
in_clone() { git -c safe.directory='*' -C "$(clone "$1")" "${@:2}"; }
gives() { in_clone "$1" cat-file -e "$2:head.note" 2>/dev/null; } # CLIENT COMMIT
sound() { in_clone "$1" fsck --strict; }
renew() { author registry refresh "$registry" >"$out" 2>&1 || fail "registry refresh"; }
# until_due CLIENT: updates until the next one packs anew
until_due() { until [ "$(packs "$1")" -ge $packs_max ]; do renew; client "$1" registry update >"$out" 2>&1 || { fail "$1: update"; return 1; }; done; }
# fill CLIENT: packs that nobody needs, as archives leave them
fill() {
	local blob
	while [ "$(packs "$1")" -lt $packs_max ]; do
		blob=$(head -c 64 /dev/urandom | in_clone "$1" hash-object -w --stdin) && in_clone "$1" pack-objects -q objects/pack/pack <<<"$blob" >/dev/null && in_clone "$1" prune-packed -q
	done
}
an_hour_later() { [ ! -e "$(clone "$1")/superseded" ] || touch -d "61 minutes ago" "$(clone "$1")/superseded"; }
update_due() { fill "$1" && renew && an_hour_later "$1" && "${@:2}"; } # CLIENT COMMAND...: which updates

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
check "a release" publish flow-table
port=$(free_port)
web_config <<END
server {
	listen 127.0.0.1:$port;
	location / { $(web_git "$tmp") }
}
END
start_git_backend
start_web "$port"
check "a clone over HTTP" client http registry add main "http://127.0.0.1:$port/registry.git" --yes
check "a clone from a path" client path registry add main "$registry" --yes

for one in http path; do
	check "$one: install" client $one install flow-table --no-load
	equal "$one: the archive is a ref of the clone" "$(in_clone $one for-each-ref refs/packages | wc -l)" 1
	(until [ -e "$tmp/stop" ]; do client $one --offline search flow >>"$tmp/readers" 2>&1 || echo "$one failed" >>"$tmp/failed"; done) & reader=$!
	first=$(seen $one); [ $one = path ] || old=$first
	until_due $one
	check "$one: the first time" update_due $one client $one registry update
	equal "$one: nothing goes yet, one pack is the whole" "$(packs $one)" $((packs_max + 2))
	equal "$one: what it was made of is listed" "$(wc -l <"$(clone $one)/superseded")" $((packs_max + 1))
	equal "$one: the archive's ref is gone" "$(in_clone $one for-each-ref refs/packages)" ""
	check "$one: who reads by an older head finds it" gives $one "$first"
	renew
	check "$one: soon after" client $one registry update
	equal "$one: readers have an hour" "$(packs $one)" $((packs_max + 3))
	an_hour_later $one
	check "$one: the second time" client $one registry update
	equal "$one: packs" "$(packs $one)" 3
	check "$one: git finds it sound" sound $one
	check "$one: the archive is fetched again" client $one install flow-table --no-load
	for at in "clone gathered" "clone packs dropped"; do
		refuses "$one: killed at '$at'" 137 "" update_due $one env IOVPKG_FAULT="$at" "$IOVPKG" --root "$tmp/$one" registry update
		check "$one: it answers" client $one search flow
		check "$one: git finds it sound" sound $one
		renew
		an_hour_later $one
		check "$one: the next update" client $one registry update
		renew
		an_hour_later $one
		check "$one: and one more" client $one registry update
		equal "$one: goes on where it stopped" "$(($(packs $one) <= 5))" 1
	done
	touch "$tmp/stop"; wait $reader; rm "$tmp/stop"
	equal "$one: no reader failed beside it" "$(cat "$tmp/failed" 2>/dev/null)" ""
done
check "http: what is superseded is gone at last" eval '! gives http "$old"'

# ---- a worker that was ended in the middle of dropping: an index is gone, its pack is not

fill http
half=$(head -n 1 "$(clone http)/superseded")
rm -f "$(clone http)/objects/pack/$half.idx"
renew
an_hour_later http
check "half a pack" client http registry update
equal "it is swept" "$(ls "$(clone http)/objects/pack/$half".* 2>/dev/null)" ""
check "git finds it sound" sound http

# ---- no room for the new pack

tmp_tree=$tmp/tree
git init -q "$tmp_tree" && head -c 4000000 /dev/urandom >"$tmp_tree/noise"
[ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=24m,mode=755 none "$tmp/small" 2>/dev/null || { skip "a full disk" "no file system can be mounted"; exit; }
noise=$(git -C "$registry" hash-object -w "$tmp_tree/noise")
export GIT_INDEX_FILE=$tmp/index GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t
git -C "$registry" read-tree main && git -C "$registry" update-index --add --cacheinfo "100644,$noise,noise" &&
	git -C "$registry" update-ref refs/heads/main "$(git -C "$registry" commit-tree -p main -m noise "$(git -C "$registry" write-tree)")"
check "full: registry add" client small registry add main "http://127.0.0.1:$port/registry.git" --yes
fill small
renew
free=$(df --output=avail -k "$tmp/small" | tail -n 1)
head -c $(((free - 1500) * 1024)) /dev/zero >"$tmp/small/filler"
says "full: the update is good, and says what it could not" "cannot be packed anew" client small registry update
equal "full: it has the newest head" "$(seen small)" "$(git -C "$registry" rev-parse main)"
check "full: git finds it sound" sound small
equal "full: nothing half is left" "$(find "$(clone small)/objects/pack" -name 'pack_git2_*' | wc -l)" 0
rm "$tmp/small/filler"
renew
check "full: with room again" client small registry update
renew
an_hour_later small
check "full: and again" client small registry update
equal "full: packs" "$(packs small)" 3
umount "$tmp/small"
