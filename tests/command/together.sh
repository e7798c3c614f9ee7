#!/bin/bash
# Many at once: publishers into one registry lose nothing, and commands that change one host wait for each other. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
registry=$tmp/registry.git publishers=20

# at_once NAME COMMANDS...: each is a line of shell; all are started together and have to succeed.
at_once() {
	local name=$1 failed=0 i=0 pids=() one; shift
	for one; do eval "$one" >"$tmp/at-once.$i" 2>&1 & pids+=($!); i=$((i + 1)); done
	for i in "${!pids[@]}"; do wait "${pids[$i]}" || { failed=$((failed + 1)); cat "$tmp/at-once.$i"; }; done >"$out"
	[ $failed -eq 0 ] && pass "$name" || fail "$name: $failed of ${#pids[@]} failed"
}
log_size() { git -C "$registry" show main:checkpoint | sed -n 2p; }

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
commands=()
for i in $(seq -w $publishers); do
	cp -r "$top/bpf-samples/flow-table" "$tmp/tiny-$i"
	sed -i "s/^name: .*/name: tiny-$i/" "$tmp/tiny-$i/iov.yaml"
	commands+=("author publish $tmp/tiny-$i --registry $registry --key test")
done
at_once "$publishers publish at once" "${commands[@]}"
equal "all are in the index" "$(git -C "$registry" ls-tree -r --name-only main index | sed 's|.*/||' | sort | tr '\n' ' ')" "$(seq -f 'tiny-%02g' -s ' ' $publishers) "
equal "the log has one event for each" "$(log_size)" $publishers
equal "every archive is there" "$(git -C "$registry" for-each-ref refs/packages | wc -l)" $publishers
equal "none waits" "$(git -C "$registry" for-each-ref refs/heads/incoming | wc -l)" 0
check "git finds nothing wrong" git -C "$registry" fsck --strict
at_once "the same release three times at once" "${commands[0]}" "${commands[0]}" "${commands[0]}"
equal "is one release" "$(log_size)" $publishers

check "a host trusts it" host registry add test "$registry" --yes
equal "and sees all" "$(host search tiny --json | jq '[.. | .name? // empty] | unique | length')" $publishers
at_once "two installs at once" "host install tiny-01 --no-load" "host install tiny-02 --no-load"
equal "both are there" "$(host list --json | jq -c '[.modules[].name]')" '["tiny-01","tiny-02"]'
at_once "twice the same install" "host install tiny-03 --no-load" "host install tiny-03 --no-load"
sed -i 's/^version: .*/version: 1.0.1/' "$tmp/tiny-01/iov.yaml"
check "another release" author publish "$tmp/tiny-01" --registry "$registry" --key test
at_once "installs, updates and questions at once" "host install tiny-04 --no-load" "host install tiny-05 --no-load" \
	"host registry update" "host registry update" "host search tiny" "host info tiny-01" "host list"
equal "five are there" "$(host list --json | jq -c '[.modules[].name[-2:]] | join(" ")')" '"01 02 03 04 05"'
says "and all is well" tiny-05 host verify
