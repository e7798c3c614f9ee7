#!/bin/bash
# What is said of releases after their publish: yank, unyank, deprecate, who may say it, what hosts make of it.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
setup_registry flow-table
release() { # release VERSION: flow-table as of then
	rm -rf "$tmp/next" && cp -r "$top/bpf-samples/flow-table" "$tmp/next" && sed -i "s/^version: .*/version: $1/" "$tmp/next/iov.yaml" && publish "$tmp/next"
}
statuses() { host info flow-table --json | jq -c "[.releases[] | [.version, .yanked, .deprecated, .successor]]"; }
yank() { author yank "$@" --registry "$registry" --key test; }
unyank() { author unyank "$@" --registry "$registry" --key test; }
deprecate() { author deprecate "$@" --registry "$registry" --key test; }
main() { git -C "$registry" "$@"; }

check "publish 1.1.0" release 1.1.0
check "install the older one" host install flow-table@=1.0.0 --no-load
refuses "a yank without a reason" 2 "--reason" author yank flow-table@1.1.0 --registry "$registry" --key test
refuses "a yank of a module" 2 "NAME@VERSION" yank flow-table --reason broken
refuses "a yank of what is not there" 4 "has no release 'flow-table@9.0.0'" yank flow-table@9.0.0 --reason broken
says "a dry run" "would be so" yank flow-table@1.1.0 --reason 'leaks entries' --dry-run
equal "changes nothing" "$(main rev-list --count main)" 3
says "yank" "yanked (done)" yank flow-table@1.1.0 --reason 'leaks entries'
equal "one commit has index, log and head" "$(main rev-list --count main) $(main log -1 --format=%s main)" "4 yank flow-table 1.1.0"
says "yanking again is success" "already so" yank flow-table@1.1.0 --reason 'leaks entries'
equal "info shows it" "$(statuses)" '[["1.1.0","leaks entries",null,null],["1.0.0",null,null,null]]'
says "in words" "yanked: leaks entries" host info flow-table
says "upgrade passes it over" "" host upgrade flow-table@^1 --yes
equal "and stays" "$(host list --json | jq -r '.modules[0].version')" 1.0.0
refuses "a new host does not get it" 5 "yanked: leaks entries" host install flow-table@=1.1.0 --no-load
says "unyank" "no longer yanked (done)" unyank flow-table@1.1.0
equal "info shows that too" "$(statuses)" '[["1.1.0",null,null,null],["1.0.0",null,null,null]]'
says "unyanking again is success" "already so" unyank flow-table@1.1.0

refuses "deprecate without a text" 2 "--text" deprecate flow-table@^1
says "deprecate those that fit" "flow-table 1.0.0: deprecated (done)" deprecate flow-table@~1.0 --text 'counts IPv4 alone' --successor flow-best
equal "and no others" "$(statuses)" '[["1.1.0",null,null,null],["1.0.0",null,"counts IPv4 alone","flow-best"]]'
says "outdated names the successor" "flow-table 1.0.0 is deprecated: counts IPv4 alone; use flow-best instead" host outdated
check "upgrade" host upgrade flow-table@^1.1 --yes
says "outdated has no more to say" "newest there is" host outdated
check "deprecate all" deprecate flow-table --text 'no longer kept up'
says "outdated tells it of the newest too" "flow-table 1.1.0 is deprecated: no longer kept up" host outdated
rm -rf "$tmp/new" && "$IOVPKG" --root "$tmp/new" registry add test "$registry" --yes >/dev/null 2>&1
says "install warns" "'flow-table' 1.1.0 is deprecated: no longer kept up" "$IOVPKG" --root "$tmp/new" install flow-table --no-load
says "search marks it" "deprecated; " host search flow-table
says "taken back" "no longer deprecated (done)" deprecate flow-table --undo
equal "of all" "$(statuses)" '[["1.1.0",null,null,null],["1.0.0",null,null,null]]'
refuses "--undo needs no text" 2 "--text" deprecate flow-table --undo --text x

author key generate stranger --plain >"$out" 2>&1
refuses "a stranger's yank" 6 "wrong publisher" author yank flow-table@1.0.0 --reason mine --registry "$registry" --key stranger
equal "leaves nothing behind" "$(main for-each-ref refs/heads/incoming)" ""
# Where the registry's key is not, a statement waits; and what was signed once does not count twice.
other() { "$IOVPKG" --root "$tmp/publisher" "$@"; }
mkdir -p "$tmp/publisher/etc/iovpkg/keys" && other key generate alice --plain >"$out" 2>&1
check "a registry of two" author registry init "$tmp/two.git" --origin test.example/two --key test --publisher "flow-*=$(other key show alice --json | jq -r .verifier)"
check "its release" other publish "$top/bpf-samples/flow-table" --registry "$tmp/two.git" --key alice
check "is taken in" author registry accept "$tmp/two.git" --key test
says "a publisher's yank waits" "submitted" other yank flow-table@1.0.0 --reason broken --registry "$tmp/two.git"
note=$(git -C "$tmp/two.git" for-each-ref --format='%(refname) %(objectname)' refs/heads/incoming)
equal "as the digest of its note" "$(git -C "$tmp/two.git" show "${note##* }:event.note" | sha256sum | cut -d' ' -f1)" "$(basename "${note%% *}")"
says "until the host accepts it" "accepted yank flow-table 1.0.0" author registry accept "$tmp/two.git" --key test
says "and the owner may take it back" "done" author unyank flow-table@1.0.0 --registry "$tmp/two.git" --key test
git -C "$tmp/two.git" update-ref "${note%% *}" "${note##* }"
says "the old yank, sent again, is refused" "an old statement sent again" author registry accept "$tmp/two.git" --key test
equal "and did nothing" "$(git -C "$tmp/two.git" log -1 --format=%s main)" "unyank flow-table 1.0.0"
