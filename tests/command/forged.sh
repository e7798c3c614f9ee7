#!/bin/bash
# A registry that lies: each forgery is refused, by name, before anything is unpacked, and the client still works with what it had.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
setup_registry flow-table
main() { git -C "$registry" "$@"; }
good=$(main rev-parse main)
# forge MESSAGE: commits what stands in $tmp/tree on top of main.
tree_out() { rm -rf "$tmp/tree" && git clone -q "$registry" "$tmp/tree" 2>/dev/null; }
tree_in() { git -C "$tmp/tree" -c user.name=x -c user.email=x@example.org commit -qam forged && git -C "$tmp/tree" push -q -f origin HEAD:main 2>/dev/null; }
restore() { main update-ref refs/heads/main "$good"; }
index=$(main ls-tree -r --name-only main | grep '^index/' | head -n 1)

tree_out
sed -i 's/"yanked":null/"yanked":{"log":9,"reason":"x"}/' "$tmp/tree/$index"
tree_in
refuses "an index line that was changed" 6 "flow-table" host install flow-table --no-load
restore

tree_out
sed -i 's/"version":\([0-9]*\)/"version":99/' "$tmp/tree/head.note"
tree_in
refuses "a head that its key did not sign" 6 "head" host install flow-table --no-load
restore

# Another archive under the release's digest.
sha=$(jq -r .release.archive.sha256 <(main show "main:$index" | tail -n 1))
archive=$(main rev-parse "refs/packages/$sha")
blob=$(echo "not the archive" | main hash-object -w --stdin)
tree=$(printf '100644 blob %s\tarchive\n' "$blob" | main mktree)
commit=$(main -c user.name=x -c user.email=x@example.org commit-tree "$tree" -m forged)
main update-ref "refs/packages/$sha" "$commit"
refuses "an archive that is not what was signed" 6 "$sha" host install flow-table --no-load
equal "nothing of it was kept" "$(find "$tmp/host/var/lib/iovpkg/store" -mindepth 1 2>/dev/null | wc -l)" 0
main update-ref "refs/packages/$sha" "$archive"

check "with the true files it works" host install flow-table --no-load
publish flow-count || fail "publish"
check "update sees the newer head" host registry update
restore
refuses "a head older than the one seen (rollback)" 6 "rollback" host registry update
says "what was seen goes on answering" flow-count host --offline search
