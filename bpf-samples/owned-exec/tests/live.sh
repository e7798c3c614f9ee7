#!/bin/bash
# Root starts what root owns, and nothing else.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
grep -qs '\bbpf\b' /sys/kernel/security/lsm || skip_all "this kernel has no BPF LSM, or does not use it"
sample_up iov-s-owned owned-exec
refused() { entries owned-exec refused | jq '.[0].value'; }
cp "$(type -P true)" "$tmp/ours"
cp "$(type -P true)" "$tmp/theirs"
chown 65534 "$tmp/theirs"
chmod 755 "$tmp/theirs"

check "install" inside install owned-exec
check "a program that root owns starts" "$tmp/ours"
refuses "one that another user owns does not" 126 "not permitted" bash -c "$tmp/theirs"
equal "that is counted" "$(refused)" 1
leaves_nothing owned-exec
check "and then it starts" "$tmp/theirs"
