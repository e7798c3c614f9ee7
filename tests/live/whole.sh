#!/bin/bash
# What may come between in the middle of a change: signals, a closed terminal, a full pipe's end, an interface that vanishes, a module that the verifier
# refuses, limits, many commands at once, readers. After each the host is at N or N+1, doctor finds no difference, and pins of other tools are there.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
grep -q IOVPKG_FAULT "$IOVPKG" || skip_all "this build has no fault points (--enable-fault-points)"
net=iov-whole-$$
cleanup() { net_down $net; [ -z "${cgroup:-}" ] || rmdir "$cgroup" 2>/dev/null; }
net_up $net
setup_registry flow-table flow-count xdp-guard cgroup-count
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
live=$tmp/host/sys/fs/bpf/iovpkg/live
check "install" inside install flow-count --set iface=iov-b --yes
check "and another" inside install xdp-guard --set iface=iov-b
publish flow-count-1.1 || fail "publish flow-count 1.1"
check "an upgrade, so that its archive is here" inside upgrade flow-count
check "and back" inside rollback

bpftool map create "$tmp/host/sys/fs/bpf/other_tool" type hash key 4 value 4 entries 1 name other_tool
mkdir "$live/other-folder"
ln "$tmp/host/sys/fs/bpf/other_tool" "$live/other-folder/pin"
ln "$tmp/host/sys/fs/bpf/other_tool" "$live/other_pin"
others() { bpftool -j map show pinned "$live/other_pin" | jq .id; bpftool -j map show pinned "$live/other-folder/pin" | jq .id; }
their=$(others)

at() { inside list --json | jq -r '[.modules[] | "\(.name)=\(.version)"] | sort | join(" ")'; }
old="flow-count=1.0.0 flow-table=1.0.0 xdp-guard=1.0.0" new="flow-count=1.1.0 flow-table=1.0.0 xdp-guard=1.0.0"
# is_whole NAME PLACES...: at one of these after one command (that does nothing), and all agrees.
is_whole() {
	local name=$1 now place there=no; shift
	inside load nothing-of-this-name >"$out" 2>&1
	now=$(at)
	for place in "$@"; do [ "$now" != "$place" ] || there=yes; done
	[ $there = yes ] || { fail "$name: at '$now'"; return; }
	inside doctor >"$out" 2>&1 || { fail "$name: doctor finds differences"; return; }
	[ "$(others)" = "$their" ] || { fail "$name: other tools' pins are gone"; return; }
	pass "$name: whole, at ${now%% *}"
}
back() { [ "$(at)" = "$old" ] || inside rollback --quiet >"$out" 2>&1; }

# A shell in the background has its commands ignore SIGINT, and so would they.
attentive() { in_b env --default-signal=INT,TERM,HUP "$IOVPKG" --root "$tmp/host" "$@"; }
# run_until POINT COMMAND...: the command stops at a fault point; sets pid.
run_until() {
	local point=$1; shift
	IOVPKG_FAULT="stop:$point" attentive "$@" >"$tmp/said" 2>&1 &
	job=$!
	for _ in {1..400}; do
		pid=$(pgrep -f -- "--root $tmp/host $*" | while read -r one; do [ "$(readlink "/proc/$one/exe")" = "$(readlink -f "$IOVPKG")" ] && grep -q '^State:.T' "/proc/$one/status" && echo "$one"; done | head -n 1)
		[ -z "$pid" ] || return 0
		kill -0 $job 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}
go_on() { kill -CONT "$pid"; status=0; wait $job || status=$?; cp "$tmp/said" "$out"; }

for signal in INT TERM HUP; do
	if run_until "instance staged" upgrade flow-count; then
		kill -$signal "$pid"
		go_on
		equal "SIG$signal in the middle ends with 19" "$status" 19
		also "and says so" "taken back"
		is_whole "after SIG$signal" "$old"
		back
	else fail "the upgrade stops where it is told"; fi
done
if run_until "committed" upgrade flow-count; then
	kill -INT "$pid"
	go_on
	equal "SIGINT after the commit changes nothing" "$status" 0
	is_whole "after SIGINT at the end" "$new"
	back
else fail "the upgrade stops at its commit"; fi
if run_until "generation stored" upgrade flow-count; then
	kill -INT "$pid"; kill -TERM "$pid"
	kill -CONT "$pid"; sleep 0.2; kill -INT "$pid" 2>/dev/null
	wait $job
	is_whole "after signals one upon the other" "$old" "$new"
	back
else fail "the upgrade stops at the store"; fi

# At random moments.
bad=0
for try in {1..12}; do
	signals=(INT TERM HUP)
	attentive upgrade flow-count --offline >"$tmp/said" 2>&1 &
	job=$!
	sleep "0.$(printf %03d $((RANDOM % 160)))"
	pkill -"${signals[try % 3]}" -f -- "^$IOVPKG --root $tmp/host upgrade" 2>/dev/null
	status=0; wait $job || status=$?
	inside load nothing-of-this-name >"$out" 2>&1
	now=$(at)
	{ [ "$now" = "$old" ] || [ "$now" = "$new" ]; } && inside doctor >"$out" 2>&1 && [ "$(others)" = "$their" ] || { bad=1; fail "signal ${signals[try % 3]} at a random moment (exit $status): at '$now'"; break; }
	[ "$status" != 19 ] || [ "$now" = "$old" ] || { bad=1; fail "exit 19 but at '$now'"; break; }
	back
done
[ $bad = 1 ] || pass "12 signals at random moments: whole after each"

# A terminal that closes, and a pipe whose reader has gone.
if command -v script >/dev/null; then
	(in_b timeout -s KILL 0.1 script -qec "'$IOVPKG' --root '$tmp/host' upgrade flow-count --offline" /dev/null) >"$tmp/said" 2>&1 </dev/null
	sleep 1
	is_whole "after the terminal closed" "$old" "$new"
	back
fi
inside upgrade flow-count --offline 2>&1 | true
is_whole "with nobody who reads" "$old" "$new"
back

# What was planned for vanishes before the switch.
in_b ip link add iov-x type veth peer name iov-y
if run_until "instance staged" load xdp-guard --as second --set iface=iov-x; then
	in_b ip link del iov-x
	go_on
	equal "an interface that vanishes is not found" "$status" 4
	also "by its name" "iov-x"
	is_whole "after an interface vanished" "$old"
else fail "the load stops where it is told"; fi
ip netns add $net-gone
if ip netns exec $net-gone true; then
	in_b ip link add iov-x type veth peer name iov-y netns $net-gone
	if run_until "instance staged" load xdp-guard --as second --set iface=iov-x; then
		ip netns del $net-gone
		for _ in {1..50}; do in_b ip link show iov-x >"$out" 2>&1 || break; sleep 0.1; done
		go_on
		equal "so does one whose namespace ended" "$status" 4
		is_whole "after a namespace ended" "$old"
	fi
fi

hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cgroup=$hierarchy/iov-whole-$$
if [ -n "$hierarchy" ] && mkdir "$cgroup" 2>"$out"; then
	check "install cgroup-count" inside install cgroup-count --no-load
	if run_until "instance staged" load cgroup-count --set "cgroup=$cgroup"; then
		rmdir "$cgroup"
		go_on
		equal "so does a cgroup" "$status" 4
		also "by its name" "iov-whole-$$"
		inside remove cgroup-count --quiet >"$out" 2>&1
		is_whole "after a cgroup vanished" "$old"
	else fail "the load of cgroup-count stops where it is told"; fi
else skip "a cgroup that vanishes" "no cgroup2 hierarchy"; fi

# The third of five is refused by the verifier.
for one in a b d e; do
	cp -r "$top/bpf-samples/exec-trace" "$tmp/five-$one"
	sed -i "s/^name: .*/name: five-$one/" "$tmp/five-$one/iov.yaml"
done
cp -r "$top/tests/modules/rejected" "$tmp/five-c"
sed -i 's/^name: .*/name: five-c/; s/\$iface/iov-b/; /^params:/,$d' "$tmp/five-c/iov.yaml"
for one in a b c d e; do author publish "$tmp/five-$one" --registry "$registry" --key test --with-object >"$out" 2>&1 || fail "publish five-$one"; done
refuses "one of five is refused" 8 "five-c" inside install five-a five-b five-c five-d five-e --yes
is_whole "after the verifier's refusal" "$old"

# Limits; those of memory are in errors.sh, which runs without AddressSanitizer too.
(ulimit -l 0; inside upgrade flow-count --offline) >"$out" 2>&1
is_whole "with no memory to lock" "$old" "$new"
back

# Many at once, and readers who must always see one generation.
(
	while [ ! -e "$tmp/enough" ]; do
		inside status --json >"$tmp/read" 2>"$tmp/read.err" || { [ -s "$tmp/read.err" ] && cat "$tmp/read.err" >>"$tmp/wrong"; continue; }
		jq -r '[.instances[] | select(.name == "flow-count") | .version] | join(" ")' "$tmp/read" | grep -qE '^1\.[01]\.0$' || { echo "status saw:"; cat "$tmp/read"; } >>"$tmp/wrong"
		inside list --json >"$tmp/read" 2>>"$tmp/wrong"
		jq -r '[.modules[].name] | sort | join(" ")' "$tmp/read" | grep -q 'flow-count.*flow-table.*xdp-guard' || { echo "list saw:"; cat "$tmp/read"; } >>"$tmp/wrong"
	done
) &
reader=$!
for many in 2 20; do
	jobs=() ended=()
	for ((i = 0; i < many; i++)); do
		if [ $((i % 2)) = 0 ]; then inside upgrade flow-count --offline --quiet >"$tmp/many.$i" 2>&1 & else inside rollback --quiet >"$tmp/many.$i" 2>&1 & fi
		jobs+=($!)
	done
	for one in "${jobs[@]}"; do status=0; wait "$one" || status=$?; ended+=("$status"); done
	odd=$(printf '%s\n' "${ended[@]}" | grep -vcE '^(0|4|14)$')
	[ "$odd" = 0 ] && pass "$many at once: each was carried out, or waited and said so" || { cat "$tmp"/many.* >"$out"; fail "$many at once: ${ended[*]}"; }
	inside doctor >"$out" 2>&1 && pass "$many at once: all agrees" || fail "$many at once: all agrees"
done
touch "$tmp/enough"
wait $reader
[ ! -s "$tmp/wrong" ] && pass "readers always saw one generation" || { cp "$tmp/wrong" "$out"; fail "readers always saw one generation"; }
equal "other tools' pins are there" "$(others)" "$their"
