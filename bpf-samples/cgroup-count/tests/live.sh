#!/bin/bash
# A process in the cgroup is counted, packet by packet; one outside is not.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$hierarchy" ] || skip_all "no cgroup2 hierarchy is mounted"
group=iov-s-cgroup-$$
mkdir "$hierarchy/$group" || skip_all "no cgroup can be made"
eval "sample_$(declare -f cleanup)"
cleanup() { sample_cleanup; rmdir "$hierarchy/$group" 2>/dev/null; }
sample_up iov-s-cgroup cgroup-count
in_b ip link set lo up
traffic() { entries cgroup-count traffic | jq -c "[.[] | select(.key == $1).value | .packets, .bytes]"; }
# Each datagram is 20 bytes of IP, 8 of UDP and 5 of text; nobody listens, and what says so does not come to the sender's socket.
send() { in_b bash -c 'for ((i = 0; i < 7; i++)); do echo word >/dev/udp/127.0.0.2/9 || true; done' 2>/dev/null; }
send_inside() { (echo "$BASHPID" >"$hierarchy/$group/cgroup.procs"; send); }

refuses "a cgroup that is not there is told" 4 "not found" inside install cgroup-count --set "cgroup=$group-not"
check "install" inside install cgroup-count --set "cgroup=$group"
send
equal "what runs outside is not counted" "$(traffic 1)" "[0,0]"
check "a process in the cgroup sends" send_inside
equal "each packet is counted" "$(traffic 1)" "[7,231]"
check "an upgrade to the same release changes nothing" inside upgrade
send_inside
equal "and counts go on" "$(traffic 1)" "[14,462]"
leaves_nothing cgroup-count
