#!/bin/bash
# The contract of an exported map, from its author's side: a release that breaks it is refused before it is signed.
. "$(dirname "$0")/../lib/test.sh"
setup_registry flow-table
table=$tmp/flow-table
cp -r "$top/bpf-samples/flow-table" "$table"
version() { sed -i "s/^version: .*/version: $1/" "$table/iov.yaml"; }
waiting() { git -C "$registry" for-each-ref refs/heads/incoming | wc -l; }
releases() { host info flow-table --json | jq -c '[.releases[].version]'; }
renames() { sed -i "s/$1/$2/g" "$table"/src/*.[ch]; }
publish_it() { author publish "$table" --registry "$registry" --key test "$@"; }

version 1.0.1
check "a release that changes no map" publish_it
renames packets pkts
for step in 1.0.2 1.1.0; do
	version $step
	refuses "$step with a renamed field" 7 "field 'packets' is renamed to 'pkts'" publish_it
	also "$step: the step that it asks for" "that asks for a major step, so make it 2.0.0"
	also "$step: both layouts, side by side" "!      0      8  u64      packets"
done
refuses "a dry run refuses it too" 7 "so make it 2.0.0" publish_it --dry-run
refuses "and says so in JSON" 7 contract publish_it --json
equal "nothing waits at the registry" "$(waiting)" 0
equal "nothing was published" "$(releases)" '["1.0.1","1.0.0"]'
version 2.0.0
check "a major step may break" publish_it
equal "and is published" "$(releases)" '["2.0.0","1.0.1","1.0.0"]'
version 1.0.2
refuses "the older line keeps its own contract" 7 "changes maps that 1.0.1 exports" publish_it
renames pkts packets
check "and goes on with it" publish_it
sed -i '/^maps:/,/^params:/{/^params:/!d}' "$table/iov.yaml"
version 1.1.0
refuses "an export is not dropped on the way" 7 "map 'flows' is not exported any more" publish_it
sed -i 's/^params:/maps:\n  exports: {flows: {access: read}}\nparams:/' "$table/iov.yaml"
refuses "nor narrowed" 7 "was exported for writing and is for reading only" publish_it
