#!/bin/bash
# The kernel has a say in which release is installed: one that it does not load is passed over, and people are told why.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/releases.sh"
need_bpf

# exits VERSION [HELPER]: a module that also calls the helper of that number.
exits() {
	source_release exits "$1" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		static long (*helper)(void) = (void *)${2:-BPF_FUNC_ktime_get_ns};
		char LICENSE[] SEC("license") = "GPL";
		__u64 last;

		SEC("raw_tp/sched_process_exit")
		int see(void *ctx)
		{
			last = helper();
			return 0;
		}
	END
}
version() { host list --json | jq -r '.modules[0].version'; }
verdicts() { echo "$tmp"/host/var/cache/iovpkg/verdicts/*; }
lack="needs helper '#250', which kernel $(uname -r) does not have"

setup_registry
exits 1.0.0
exits 1.1.0 250
exits 1.2.0 250
refuses "the newest release is checked by its facts" 9 "program 'see': helper '#250' is not in this kernel" host check exits
equal "which have no lines of source" "$(grep -c 'bpf\.c' "$out")" 0
says "the newest that the kernel loads, with a word on the others" "module 'exits' is taken at 1.0.0, as 1.2.0 $lack" host install exits
equal "it is the oldest here" "$(version)" 1.0.0
refuses "what is asked for by version is refused with the reason" 5 "'exits' ^1.1 is wanted (you asked for it) and 'exits' ^1.1 $lack" host install 'exits@^1.1'
also "and with a way out" "or boot a kernel that has it"
refuses "also before anything is fetched" 5 "$lack" host install --dry-run 'exits@=1.2.0'
says "an upgrade says why it leaves things as they are" "as 1.2.0 $lack" host upgrade
equal "verdicts are kept" "$(sed 1d "$(verdicts)" | jq -r '.verdicts | length')" 3
cp "$(verdicts)" "$tmp/kept"
sed -i 's/null/"no"/' "$(verdicts)"
says "damaged ones are found out anew" "as 1.2.0 $lack" host upgrade
check "to the same end" cmp "$(verdicts)" "$tmp/kept"

# An image will run on another kernel; brought here it has to give way.
check "remove" host remove exits
check "an image takes the newest" host install --no-load exits
equal "whatever this kernel is" "$(version)" 1.2.0
refuses "check names the line of an installed module's source" 9 "exits.bpf.c:11: last = helper();" host check exits
says "what this kernel no longer loads gives way" "module 'exits' is taken at 1.0.0" host install 'exits@*'
equal "to what it loads" "$(version)" 1.0.0
