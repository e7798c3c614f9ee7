#!/bin/bash
# Every switch is counted on the CPU where it happens.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-switch switch-count
on_cpu() { entries switch-count switches | jq -c --argjson cpu "$1" '.[0].values[] | select(.cpu == $cpu).value | [.to_task, .to_idle]'; }
# Two processes on one CPU hand a line to and fro: each round trip is two switches at least.
ping_pong() { taskset -c "$1" bash -c 'coproc cat; for ((i = 0; i < 300; i++)); do echo >&"${COPROC[1]}"; read -r <&"${COPROC[0]}"; done'; }
rests() { taskset -c "$1" sleep 0.3; [ "$(on_cpu "$1" | jq '.[1]')" -gt "$2" ]; }

check "install" inside install switch-count
mapfile -t cpus < <(bash -c 'for cpu in /sys/devices/system/cpu/cpu[0-9]*; do taskset -c "${cpu##*cpu}" true 2>/dev/null && echo "${cpu##*cpu}"; done' | head -n 4)
for cpu in "${cpus[@]}"; do
	before=$(on_cpu "$cpu")
	check "two processes take turns on CPU $cpu" ping_pong "$cpu"
	after=$(on_cpu "$cpu")
	check "its count rises by their switches" jq -ne --argjson b "$before" --argjson a "$after" '$a[0] - $b[0] >= 600 and $a[1] >= $b[1]'
done
cpu=${cpus[0]}
idle=$(on_cpu "$cpu" | jq '.[1]')
check "switches to the idle task are counted apart" eventually rests "$cpu" "$idle"
equal "each CPU has its own" "$(entries switch-count switches | jq '.[0].values | length')" "$(map_info switch-count switches >/dev/null && bpftool -j map dump pinned "$pinned/switch-count/maps/switches" | jq '.[0].values | length')"
leaves_nothing switch-count
