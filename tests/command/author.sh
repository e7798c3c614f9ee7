#!/bin/bash
# What an author meets: errors in the manifest with file, line and column, in the source with the compiler's words, in the object against the manifest.
. "$(dirname "$0")/../lib/test.sh"
module=$tmp/module
fresh() { rm -rf "$module"; cp -r "$top/tests/modules/rejected" "$module"; }
build() { author build "$module" -o "$tmp/object"; }

fresh
check "build" build
fresh; echo "dependancies: {}" >>"$module/iov.yaml"
refuses "an unknown key, with the nearest" 3 "iov.yaml:12:1: unknown key 'dependancies'; did you mean 'dependencies'?" build
fresh; sed -i 's/^version: .*/version: 1.0/' "$module/iov.yaml"
refuses "a version that is none" 3 "iov.yaml:3:" build
fresh; sed -i 's/^name: .*/name: Rejected/' "$module/iov.yaml"
refuses "a name that is none" 3 "iov.yaml:2:" build
fresh; echo "  tabs:	[" >>"$module/iov.yaml"
refuses "YAML that is none" 3 "iov.yaml:" build
fresh; rm "$module/iov.yaml"
refuses "no manifest" 4 "iov.yaml" build
fresh; sed -i 's/careless:/carefree:/' "$module/iov.yaml"
refuses "a program that the object does not have" 3 "carefree" build
fresh; sed -i 's/value->count++;/value->cuont++;/' "$module/src/rejected.bpf.c"
refuses "a source that does not compile, with its line" 15 "rejected.bpf.c:" build
fresh; sed -i 's#src/rejected.bpf.c#src/missing.bpf.c#' "$module/iov.yaml"
refuses "a source that is not there" 3 "missing.bpf.c" build
fresh; sed -i '1i #include "/etc/shadow"' "$module/src/rejected.bpf.c"
refuses "the build sees nothing of the host" 15 "shadow" build
if grep -q "root" "$out"; then fail "and tells nothing of it"; else pass "and tells nothing of it"; fi
refuses "publish without a key" 4 "key" author publish "$top/bpf-samples/flow-table" --registry "$tmp/none.git" --key missing
refuses "publish to what is no registry" 4 "none.git" bash -c "'$IOVPKG' --root '$tmp/author' key generate k --plain >/dev/null; '$IOVPKG' --root '$tmp/author' publish '$top/bpf-samples/flow-table' --registry '$tmp/none.git' --key k"
says "a key is made once" "verifier" author key generate another --plain --json
refuses "and never overwritten" 5 "another" author key generate another --plain
says "keys are listed" another author key list
