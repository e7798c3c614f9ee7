#!/bin/bash
# `choose` of a manifest: of groups of programs that do the same, the first that the kernel takes runs. On a kernel with kprobes that is another one than
# on a kernel without; a verifier that refuses and an attach that is refused count as well.
#   choose.sh [short]     short: what another kernel could do otherwise; emulated ones are slow
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/releases.sh"
need_bpf

# ends VERSION GROUPS [MORE]: sees processes end in several ways, and by `always` where they begin; MORE lines of the manifest.
ends() {
	local dir
	source_module ends "$1" "choose: $2"$'\n'"${3:-}" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		char LICENSE[] SEC("license") = "GPL";
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__type(key, __u32);
			__type(value, __u64);
		} ended SEC(".maps"), of_kprobe SEC(".maps");

		static int count(void *map)
		{
			__u32 key = 0;
			__u64 *value = bpf_map_lookup_elem(map, &key);
			if (value)
				__sync_fetch_and_add(value, 1);
			return 0;
		}

		SEC("tp/sched/sched_process_exec")
		int always(void *ctx)
		{
			return 0;
		}

		SEC("?kprobe/do_exit")
		int by_kprobe(void *ctx)
		{
			count(&of_kprobe);
			return count(&ended);
		}

		SEC("?tp_btf/sched_process_exit")
		int by_btf(void *ctx)
		{
			return count(&ended);
		}

		SEC("raw_tp/sched_process_exit")
		int by_raw(void *ctx)
		{
			return count(&ended);
		}

		SEC("?raw_tp/sched_process_exit")
		int refused(void *ctx)
		{
			return *(int *)0;
		}

		SEC("?raw_tp/sched_process_exit")
		int reads_past(unsigned long *ctx)
		{
			return ctx[7] ? count(&ended) : 0;
		}

		SEC("?tp_btf/no_such_event")
		int nowhere(void *ctx)
		{
			return 0;
		}
	END
	sed -i $'s|0;$|& // caf\xe9|' "$dir/ends.bpf.c" # what the verifier quotes is not always UTF-8
	author publish "$dir" --registry "$registry" --key test --with-object >"$out" 2>&1 || { fail "publish ends $1"; exit 1; }
}
status() { host status --json | jq -c "$1"; }
chosen() { status '[.instances[].choice.programs[]]'; }
loaded() { (cd "$tmp/host/sys/fs/bpf/iovpkg/live/ends/$1" && echo *); }
attached() { status '[.instances[].hooks[] | select(.attached) | .program] | sort'; }
ended() { bpftool -j map dump pinned "$tmp/host/sys/fs/bpf/iovpkg/live/ends/maps/ended" | jq '.[0].formatted.value'; }
counts() { local before; before=$(ended); /bin/true; sleep 0.05; [ "$(ended)" -gt "$before" ]; }
leaves_nothing() {
	check "remove" host remove ends
	equal "bpffs is clean" "$(pins | grep -E '/(live|staging)/' | grep -vc generation_)" 0
}
reboot() { umount "$tmp/host/sys/fs/bpf"; sleep 0.1; }

# What the first group is here.
if [ -e /sys/bus/event_source/devices/kprobe/type ]; then first=by_kprobe; else first=by_btf; fi
said=$(if [ $first = by_btf ]; then echo "group 1 of 'choose' of 'ends' ('by_kprobe') is passed over: this kernel has no 'kprobe' hook"; else echo "loaded"; fi)

setup_registry
ends 1.0.0 '[[by_kprobe], [by_btf], [by_raw]]'
equal "a dry run says what is likely" "$(host install ends --dry-run --json | jq -c '.instances[0] | [.choice.programs, [.hooks[].program]]')" "[[\"$first\"],$(jq -nc "[\"always\", \"$first\"]")]"
says "and which are groups" "by_btf      tp_btf/sched_process_exit        2" host info ends
says "what is passed over is told" "$said" host install ends
equal "the first group that this kernel takes is chosen" "$(chosen)" "[\"$first\"]"
equal "its program is attached, and the one of no group" "$(attached)" "$(jq -nc "[\"always\", \"$first\"] | sort")"
equal "programs of other groups are not loaded" "$(loaded progs)" "$(printf '%s\n' always $first | sort | xargs)"
check "maps are all there" test -e "$tmp/host/sys/fs/bpf/iovpkg/live/ends/maps/of_kprobe"
check "and it counts" counts
check "doctor agrees" host doctor
equal "nothing is chosen anew without need" "$(host install ends --json --quiet | jq -c '[.changed, .to]')" "[false,2]"

# An upgrade chooses anew, which changes hooks.
ends 1.1.0 "[[refused], [reads_past], [nowhere], [by_raw], [by_kprobe], [by_btf]]"
check "upgrade to a release with other groups" host upgrade
also "what the verifier refuses is passed over" "group 1 of 'choose' of 'ends' ('refused') is passed over: the kernel's verifier refused program 'refused'"
also "and what the kernel does not attach" "program 'reads_past' of instance 'ends' reads more arguments than raw tracepoint 'sched_process_exit' has"
also "and what it has nothing for" "group 3 of 'choose' of 'ends' ('nowhere') is passed over"
equal "the next is chosen" "$(chosen)" '["by_raw"]'
equal "and attached" "$(attached)" '["always","by_raw"]'
check "the map went on" counts
equal "reasons are kept" "$(status '.instances[0].choice | [.group, (.passed_over | length), .passed_over[2].programs[0], (.passed_over[0].reason | contains("caf?"))]')" '[4,3,"nowhere",true]'
check "doctor agrees" host doctor
check "rollback" host rollback
equal "goes back to the former group" "$(chosen) $(attached)" "[\"$first\"] $(jq -nc "[\"always\", \"$first\"] | sort")"
if [ "${1:-}" = short ]; then leaves_nothing; exit; fi
check "forward again" host upgrade

# None.
before=$(host status --json | jq -c 'del(.. | .runs?)') pinned=$(pins)
ends 1.2.0 '[[refused], [reads_past, nowhere]]'
ends 1.2.1 '[[by_raw], [by_btf]]' 'programs: {refused: {target: sched_process_exit}}'
refuses "a release of which no group is taken is refused" 9 "this kernel takes no group of 'choose' of ends 1.2.0" host upgrade ends@=1.2.0
also "with the reason against each" "'refused': the kernel's verifier refused program 'refused'"
also "all of them" "'reads_past', 'nowhere': "
equal "the host is as it was" "$(host status --json | jq -c 'del(.. | .runs?)')" "$before"
equal "bpffs too" "$(pins)" "$pinned"

refuses "a program of no group is refused as ever" 8 "the kernel's verifier refused program 'refused'" host upgrade ends@=1.2.1
if grep -q "takes no group" "$out"; then fail "for no group would do better"; else pass "for no group would do better"; fi

# Another kernel: one that lacks the hook of the group that runs, as far as iovpkg can tell (docs/hooks.md).
generation=$(status .generation)
lack() { mkdir -p "$tmp/host/etc/iovpkg" && printf '%s\n' "$@" >"$tmp/host/etc/iovpkg/without"; }
reboot
lack raw_tp
says "on another kernel another group comes up, which is told" "instance 'ends' runs '$first' now, in place of 'by_raw': this kernel has no 'raw_tp' hook" host restore
equal "in the next generation" "$(status '[.generation, .instances[0].choice.programs[0]]')" "[$((generation + 1)),\"$first\"]"
check "it counts" counts
check "doctor agrees" host doctor
reboot
lack raw_tp kprobe tp_btf
refuses "where none is taken the instance is left out" 18 "instance 'ends' is left out" host restore
also "with the reason against each" "'by_kprobe': this kernel has no 'kprobe' hook"
equal "in the same generation" "$(status .generation)" $((generation + 1))
reboot
lack
check "back on a kernel that has all" host restore
equal "the first group runs again" "$(chosen) $(attached)" '["by_raw"] ["always","by_raw"]'
check "doctor agrees" host doctor

# A check of a program is asked where its group is chosen.
ends 1.3.0 '[[by_raw], [by_kprobe]]' 'health: [{program: by_raw, ran_within: 20s}, {program: by_kprobe, ran_within: 20s}]'

# Killed while it chooses and moves.
if grep -q IOVPKG_FAULT "$IOVPKG"; then
	reboot
	lack raw_tp
	for point in "groups chosen" "groups in force"; do
		IOVPKG_FAULT=$point host restore >"$out" 2>&1
		equal "killed at '$point'" $? 137
	done
	says "the next restore brings the other group up" "1 of 1 instances are up" host restore
	equal "once" "$(chosen) $(attached)" "[\"$first\"] $(jq -nc "[\"always\", \"$first\"] | sort")"
	lack
	for point in "instance staged" "site armed" "generation stored"; do
		IOVPKG_FAULT=$point host upgrade >"$out" 2>&1
		equal "an upgrade that changes groups, killed at '$point'" $? 137
		host load nothing-of-this-name >"$out" 2>&1
		equal "goes back" "$(chosen) $(attached)" "[\"$first\"] $(jq -nc "[\"always\", \"$first\"] | sort")"
		check "whole" host doctor
	done
fi

while :; do /bin/true; sleep 0.05; done &
busy=$!
equal "health is asked of the group that is chosen, and of no other" "$(host upgrade --json --quiet | jq -c '.instances[0] | [.choice.programs[0], .health]')" \
	"[\"by_raw\",[\"program 'by_raw' runs within 20s\"]]"
kill $busy
leaves_nothing
