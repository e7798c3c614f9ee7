#!/bin/bash
# Files that are removed are counted, by the process that does it.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
[ -e /sys/bus/event_source/devices/kprobe ] || skip_all "this kernel has no kprobes"
sample_up iov-s-unlink unlink-count
removed() { entries unlink-count removed | jq "[.[] | select(.key.comm == \"$1\").value] | add // 0"; }
cp "$(type -P rm)" "$tmp/remover"

check "install" inside install unlink-count
touch "$tmp"/gone-{1..6}
"$tmp/remover" "$tmp"/gone-{1..6}
equal "each file is counted" "$(removed remover)" 6
leaves_nothing unlink-count
