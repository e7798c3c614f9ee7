#!/bin/bash
# Is the story that a registry tells one story? audit, compare, and what a dishonest host of a registry could change.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
setup_registry flow-table
main() { git -C "$registry" "$@"; }
say() { author "$1" "${@:2}" --registry "$registry" --key test; }
main show main:checkpoint >"$tmp/early"
check "yank" say yank flow-table@1.0.0 --reason 'leaks entries'
main show main:checkpoint >"$tmp/later"
check "unyank" say unyank flow-table@1.0.0
check "deprecate" say deprecate flow-table --text 'no longer kept up'
check "another module" publish flow-count

says "the registry's host audits" "good" author registry audit "$registry"
says "and so does anybody" "5 log entries make 2 releases of 2 modules" host registry audit test
equal "in JSON" "$(host registry audit test --json | jq -c '[.good, .entries, .modules, .releases, .head]')" '[true,5,2,2,6]'
refuses "what is not known is not audited" 4 "no registry 'other'" host registry audit other

says "a checkpoint from before" "one log" host registry compare test "$tmp/early"
equal "in JSON" "$(host registry compare test "$tmp/later" --json | jq -c '[.consistent, .relation, .theirs.size]')" '[true,"ours extends theirs",2]'
says "a copy is the same" "same" host registry compare test "$registry"
echo hello >"$tmp/hello"
refuses "no checkpoint" 6 "hello" host registry compare test "$tmp/hello"
cp -r "$registry" "$tmp/fork.git"
check "the copy goes its own way" author yank flow-count@1.0.0 --reason other --registry "$tmp/fork.git" --key test
says "as long as it goes on from here, it is the same log" "theirs extends ours" host registry compare test "$tmp/fork.git"
git -C "$tmp/fork.git" show main:checkpoint >"$tmp/ahead"
refuses "a checkpoint alone cannot prove that" 5 "held back" host registry compare test "$tmp/ahead"
check "the original goes another" say yank flow-table@1.0.0 --reason again
refuses "that is a fork" 6 "FORK" host registry compare test "$tmp/fork.git"
refuses "and its checkpoint shows it" 6 "FORK" host registry compare test "$tmp/ahead"

# What a host could do to its own files; only the audit looks at all of it.
good=$(main rev-parse main)
tree() { rm -rf "$tmp/tree" && git clone -q "$registry" "$tmp/tree" 2>/dev/null; }
list() { "$IOVPKG_BUILD/tests/forge/forge" list "$tmp/tree" flow-table && "$IOVPKG_BUILD/tests/forge/forge" head "$tmp/tree" -k "$tmp/author/etc/iovpkg/keys/test.key" version=+1; }
commit() { git -C "$tmp/tree" -c user.name=x -c user.email=x@example.org commit -qam forged && git -C "$tmp/tree" push -q -f origin HEAD:main 2>/dev/null; }
index=$(main ls-tree -r --name-only main | grep "^index/.*/flow-table$")
tree
sed -i 's/"reason":"again"/"reason":"never"/' "$tmp/tree/$index"
check "a reason that nobody signed" eval 'list && commit'
refuses "is found" 6 "'flow-table' in registry" author registry audit "$registry"
main update-ref refs/heads/main "$good"
tree
sed -i 's/"log":0/"log":1/' "$tmp/tree/$index"
check "a release with another place in the log" eval 'list && commit'
refuses "is found" 6 "entry 0 of the log" author registry audit "$registry"
main update-ref refs/heads/main "$good"
says "restored, all is well" "good" author registry audit "$registry"

# The whole chain, also when the registry is gone.
check "no longer yanked" say unyank flow-table@1.0.0
check "install" host install flow-count --no-load
equal "verify asks the registry" "$(host verify flow-count --json | jq -c '[.modules[0].good, .modules[0].from, .modules[0].proof.log.position]')" '[true,"registry",4]'
check "the registry is forgotten" host registry rm test
equal "the lock has the proof" "$(host verify --json | jq -c '[.modules[] | [.name, .good, .from]]')" '[["flow-count",true,"lock"],["flow-table",true,"lock"]]'
says "in words" "as the lock has kept it" host verify flow-table
lock=$(echo "$tmp"/host/var/lib/iovpkg/generations/*/lock.json)
echo "# lock.json of two modules has $(stat -c %s "$lock") bytes"
cp "$lock" "$tmp/lock.json"
jq -c '.releases[0].proof.leaf |= sub("flow-count"; "flow-cuont")' "$tmp/lock.json" >"$lock"
refuses "a proof of something else" 6 "flow-count" host verify flow-count
jq -c '.releases[0].proof.hashes[0] = .releases[1].proof.hashes[0]' "$tmp/lock.json" >"$lock"
refuses "a proof with another path" 6 "does not hold its own entry" host verify flow-count
cp "$tmp/lock.json" "$lock"
check "add it again" host registry add test "$registry" --yes
archive=$(ls "$tmp"/host/var/cache/iovpkg/archives/*.iov 2>/dev/null | head -1)
[ -n "$archive" ] || { author pack "$top/bpf-samples/flow-table" --output "$tmp/flow-table.iov" >"$out" 2>&1; archive=$tmp/flow-table.iov; }
cp "$archive" "$tmp/some.iov"
says "an archive is what the registry has published" "has these bytes" host verify "$tmp/some.iov"
sed 's/^summary: .*/summary: Another/' -i "$tmp/next/iov.yaml" 2>/dev/null || { cp -r "$top/bpf-samples/flow-table" "$tmp/next"; sed 's/^summary: .*/summary: Another/' -i "$tmp/next/iov.yaml"; }
check "pack another" author pack "$tmp/next" --output "$tmp/other.iov"
refuses "which nobody published" 6 "no registry of this host has published these bytes" host verify "$tmp/other.iov"
refuses "what is no archive" 6 "hello" host verify "$tmp/hello"
