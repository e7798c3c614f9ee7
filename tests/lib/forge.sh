# Registries whose host lies, or whose keys somebody else has; sourced after test.sh, with a registry at $registry. Files are changed with sed and
# jq; tests/forge/forge.c makes the rest fit again, or only as much of it as the attack wants.
#   need_forge                     the whole file is skipped without the forging tool
#   tree_out [REF]                 the tree of main, or of an older commit, in $tree
#   tree_in                        $tree as the next commit of main, whatever main was
#   good=$(now), restore COMMIT    main as it was
#   key NAME                       the path of the author's key
#   forge COMMAND...               see tests/forge/forge.c
#   resign [-k KEY]... [MEMBER=VALUE]...   the next head, signed by the registry's key or by these
#   index_of NAME, shard_of NAME   paths of its index file and shard in $tree
#   edit FILE JQ-ARGUMENT...       every line of a file through jq, as canonical JSON
#   keeps NAME WORDS COMMAND...    like refuses with code 6, and then the client still has what it had: $module can be installed offline, with the same plan
tree=$tmp/tree
module=flow-table
need_forge() {
	[ -x "$IOVPKG_BUILD/tests/forge/forge" ] || skip_all "tests/forge/forge is not built; 'make check' does"
	for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
}
forge() { "$IOVPKG_BUILD/tests/forge/forge" "$@"; }
key() { echo "$tmp/author/etc/iovpkg/keys/$1.key"; }

main() { git -C "$registry" "$@"; }
now() { main rev-parse main; }
restore() { main update-ref refs/heads/main "$1"; }
tree_out() {
	rm -rf "$tree" && mkdir "$tree"
	main archive "${1:-main}" | tar -x -C "$tree"
}
tree_in() {
	local commit
	commit=$(export GIT_INDEX_FILE="$tmp/.index" GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@example.org GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@example.org
		rm -f "$GIT_INDEX_FILE"
		main --work-tree="$tree" add -A . && main commit-tree "$(main write-tree)" -p main -m forged) && restore "$commit"
}

resign() {
	local keys=() members=()
	while [ $# -gt 0 ]; do
		if [ "$1" = -k ]; then keys+=(-k "$2"); shift 2; else members+=("$1"); shift; fi
	done
	[ ${#keys[@]} -gt 0 ] || keys=(-k "$(key test)")
	[[ " ${members[*]}" == *" version="* ]] || members+=(version=+1)
	forge head "$tree" "${keys[@]}" "${members[@]}"
}
index_of() { echo "$tree/$(forge place "$1" | cut -d' ' -f2)"; }
shard_of() { echo "$tree/$(forge place "$1" | cut -d' ' -f1)"; }
edit() {
	local file=$1; shift
	jq -cS "$@" "$file" >"$file.new" && mv "$file.new" "$file"
}

#   next_root N JQ -k KEY...       root N in $tree: the root before it, changed, and signed. JQ may use name(KEY), as lists name a key, know(KEY), which
#                                  writes it down, and $test, $second, $stranger, which are keys
pub() { cat "$tmp/author/etc/iovpkg/keys/$1.pub"; }
next_root() {
	local n=$1 change=$2; shift 2
	sed -n 1p "$tree/root/$((n - 1)).note" | jq -cS --arg test "$(pub test)" --arg second "$(pub second)" --arg stranger "$(pub stranger)" "
		def name(key): key | split(\"+\")[:2] | join(\"+\");
		def know(key): .keys[name(key)] = key;
		.version += 1 | $change" >"$tree/root/$n.note"
	forge sign "$tree/root/$n.note" "$@"
}

plan() { host --offline install "$module" --no-load --dry-run --json 2>&1; }
before="" before_of=""
keeps() {
	local name=$1 words=$2 state after; shift 2
	state=$(cat "$tmp/host/var/lib/iovpkg/registries/test/head.json")
	[ "$state" = "$before_of" ] || before=$(plan) before_of=$state
	refuses "$name" 6 "$words" "$@"
	after=$(plan)
	equal "$name: the client works as before" "$after" "$before"
}
