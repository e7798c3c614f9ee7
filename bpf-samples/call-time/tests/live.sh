#!/bin/bash
# Calls of a function are told, each once, with the time they took.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
command -v cc >/dev/null || skip_all "cc is not installed"
[ -e /sys/bus/event_source/devices/uprobe ] || skip_all "this kernel has no uprobes"
sample_up iov-s-call call-time
cat >"$tmp/caller.c" <<'C'
#include <unistd.h>
__attribute__((noinline)) void work(void) { usleep(20000); }
__attribute__((noinline)) void idle(void) { __asm__ volatile(""); }
int main(void) { for (int i = 0; i < 3; i++) { work(); idle(); } }
C
cc -O1 -o "$tmp/caller" "$tmp/caller.c" || { fail "the caller compiles"; exit 1; }
calls() { jq -c 'select(.fields.comm == "caller").fields' "$tmp/call-time.events"; }
called() { "$tmp/caller"; [ -n "$(calls)" ]; }

refuses "a function that is not there is told" 4 "did you mean 'work'?" inside install call-time --set "function=$tmp/caller:worke"
check "install" inside install call-time --set "function=$tmp/caller:work"
follow call-time
check "calls are told" eventually called
before=$(calls | wc -l)
"$tmp/caller" & pid=$!
wait $pid
all_told() { [ "$(calls | wc -l)" -ge $((before + 3)) ]; }
check "all of them" eventually all_told
equal "each once" "$(calls | jq -s "map(select(.pid == $pid)) | length")" 3
equal "with the time they took" "$(calls | jq -s "map(select(.pid == $pid) | .took_ns >= 20000000) | all")" true
leaves_nothing call-time
