#!/bin/bash
# A registry over git, without a kernel: init, publish, add, search, info, install --no-load; and everything that must be refused.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
registry=$tmp/registry.git
check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
says "it is a bare git repository" true git -C "$registry" rev-parse --is-bare-repository
for file in registry.yaml root/1.note head.note checkpoint; do
	check "with $file" git -C "$registry" cat-file -e "main:$file"
done
refuses "init where something is" 5 "$registry" author registry init "$registry" --origin test.example/modules --key test --plain

says "publish says what it did" 1.0.0 author publish "$top/bpf-samples/flow-table" --registry "$registry" --key test
check "publishing the same bytes again is success" author publish "$top/bpf-samples/flow-table" --registry "$registry" --key test
cp -r "$top/bpf-samples/flow-table" "$tmp/changed"
echo "/* changed */" >>"$tmp/changed/src/flow_table.bpf.c"
refuses "other bytes under a published version" 5 "flow-table" author publish "$tmp/changed" --registry "$registry" --key test
check "publish a dependent" author publish "$top/bpf-samples/flow-count" --registry "$registry" --key test
author key generate stranger --plain >"$out" 2>&1
sed 's/^name: .*/name: flow-other/' "$top/bpf-samples/flow-table/iov.yaml" >"$tmp/changed/iov.yaml"
refuses "a publisher whom the root does not know" 6 "stranger" author publish "$tmp/changed" --registry "$registry" --key stranger

refuses "search before there is a registry" 4 "iovpkg registry add" host search
refuses "install before there is a registry" 4 "iovpkg registry add" host install flow-table --no-load
refuses "add without a yes or a fingerprint" 16 "--fingerprint" host registry add test "$registry"
refuses "add with a wrong fingerprint" 6 "fingerprint" host registry add test "$registry" --fingerprint "$(printf '0%.0s' {1..64})"
check "add" host registry add test "$registry" --yes
says "list shows it" "$registry" host registry list
says "search finds by name" flow-count host search flow
says "search tells of nothing" "" host search nothing-like-this
says "info shows releases and parameters" iface host info flow-count
refuses "info of what is not there" 4 "flow-cuont" host info flow-cuont

refuses "install what is not there" 4 "flow-cuont" host install flow-cuont --no-load
refuses "a version that does not exist" 5 "9" host install flow-table@^9 --no-load
# Dependencies that cannot be had. depends NAME MODULE REQUIREMENT: a module like flow-count that needs this one.
depends() {
	cp -r "$top/bpf-samples/flow-count" "$tmp/$1"
	sed -i "s/^name: .*/name: $1/; s/^summary: .*/summary: Needs $2/; s/flow-table: .*/$2: $3/; s/from: flow-table/from: $2/" "$tmp/$1/iov.yaml"
	check "publish $1, which needs $2 $3" publish "$tmp/$1"
}
depends orphan flow-tabel ^1.0
depends picky flow-table ^2.0
refuses "a dependency that no registry has" 4 "'orphan' 1.0.0 needs 'flow-tabel' ^1.0, but no registry has a module named 'flow-tabel'" host install orphan --no-load
also "says what to do" "add the registry that has it"
refuses "a dependency in a version that nobody published" 5 "'picky' 1.0.0 needs 'flow-table' ^2.0, but there is only 1.0.0" host install picky --no-load
cp -r "$top/bpf-samples/flow-table" "$tmp/next" && sed -i 's/^version: .*/version: 2.0.0/' "$tmp/next/iov.yaml"
check "publish flow-table 2.0.0" publish "$tmp/next"
refuses "dependencies that exclude each other" 5 "no releases fit together" host install picky flow-count --no-load
also "the one wants it so" "'picky' 1.0.0 needs 'flow-table' ^2.0"
also "the other so" "'flow-count' 1.0.0 needs 'flow-table' ^1.0"
equal "nothing was installed" "$(host list --json | jq '.modules | length')" 0

says "a dry run tells the plan" flow-table host install flow-count --no-load --dry-run
equal "and changes nothing" "$(host list --json | jq '.modules | length')" 0
check "install --no-load brings the dependency" host install flow-count --no-load
equal "both are there" "$(host list --json | jq -c '[.modules[].name]')" '["flow-count","flow-table"]'
check "offline, from what is there" host --offline install flow-count --no-load
says "verify" flow-table host verify
check "remove takes the dependency that nobody needs along" host remove flow-count --yes
equal "none is there" "$(host list --json | jq '.modules | length')" 0
check "rollback brings them back" host rollback
equal "both are back" "$(host list --json | jq '.modules | length')" 2

# Unreachable and gone.
mv "$registry" "$registry.away"
refuses "a registry that cannot be reached" 11 "test" host install exec-trace --no-load
says "questions are answered from what was seen" flow-count host search
refuses "offline and never seen" 4 exec-trace host --offline install exec-trace --no-load
mv "$registry.away" "$registry"

# The same module packed twice, elsewhere, later, with other modes: the same bytes.
cp -r "$top/bpf-samples/flow-table" "$tmp/elsewhere"
find "$tmp/elsewhere" -exec touch -d '2001-01-01' {} + && chmod -R go-rwx "$tmp/elsewhere"
check "pack here" host pack "$top/bpf-samples/flow-table" -o "$tmp/one.iov"
check "pack elsewhere" host pack "$tmp/elsewhere" -o "$tmp/two.iov"
check "the same bytes" cmp "$tmp/one.iov" "$tmp/two.iov"
if [ "$(id -u)" = 0 ] && ! setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user true 2>/dev/null; then
	skip "pack as another user" "other users cannot build here: no user namespaces (a chroot, or kernel.unprivileged_userns_clone=0)"
elif [ "$(id -u)" = 0 ]; then
	cp -r "$top/bpf-samples/flow-table" "$tmp/others" && chown -R 65534:65534 "$tmp/others"
	mkdir "$tmp/as-nobody" && chown 65534:65534 "$tmp/as-nobody"
	check "pack as another user" setpriv --reuid 65534 --regid 65534 --clear-groups "$IOVPKG" --root "$tmp/as-nobody" pack "$tmp/others" -o "$tmp/as-nobody/three.iov"
	check "the same bytes again" cmp "$tmp/one.iov" "$tmp/as-nobody/three.iov"
fi
