#!/bin/bash
# Every program that is started, once, with what it is; of one user alone where that is asked for.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-exec exec-trace
copy_of_true() { cp "$(type -P true)" "$1"; }
events_of() { jq -c --arg file "$1" 'select(.fields.filename == $file).fields' "$tmp/${2:-exec-trace}.events"; }
told() { [ -n "$(events_of "$@")" ]; }
ran_and_told() { "${@:2}"; told "$tmp/herald" "$1"; }
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
copy_of_true "$tmp/herald"
copy_of_true "$tmp/witness"

check "install" inside install exec-trace
check "an instance for one user" inside load exec-trace --as of-nobody --set only_uid=65534
follow exec-trace
follow of-nobody
check "events come" eventually ran_and_told exec-trace "$tmp/herald"
check "of the one user too" eventually ran_and_told of-nobody as_nobody "$tmp/herald"

pids=()
for _ in 1 2 3; do "$tmp/witness" & pids+=($!); wait $!; done
last() { [ "$(events_of "$tmp/witness" | wc -l)" -ge 3 ]; }
check "programs are told of" eventually last
equal "each once, as they start" "$(events_of "$tmp/witness" | jq -s -c 'map(.pid)')" "[$(IFS=,; echo "${pids[*]}")]"
equal "with parent, user and name" "$(events_of "$tmp/witness" | jq -c '[.ppid, .uid, .comm]' | sort -u)" "[$$,0,\"witness\"]"
equal "in the order of their times" "$(events_of "$tmp/witness" | jq -s 'map(.time_ns) | . == sort and .[0] > 0')" true

copy_of_true "$tmp/contained"
if unshare --pid --fork --mount-proc "$tmp/contained" 2>"$out"; then
	check "in a container too" eventually told "$tmp/contained"
	check "by the host's number" jq -e '.pid > 1' <<<"$(events_of "$tmp/contained")"
else
	skip "in a container too" "no namespaces can be made here"
fi

long=$tmp/$(printf 'd%.0s' {1..200})
mkdir -p "$long"
long=$long/$(printf 'f%.0s' {1..100})
copy_of_true "$long"
"$long"
check "a long name is told" eventually told "${long:0:255}"

"$tmp/witness"
as_nobody "$tmp/witness"
check "a program of the one user" eventually told "$tmp/witness" of-nobody
equal "its other instance tells of nobody else" "$(jq -c .fields.uid "$tmp/of-nobody.events" | sort -u)" 65534
check "unload it" inside unload of-nobody
leaves_nothing exec-trace
