#!/bin/bash
# An older kernel (Debian 12's own 6.1) gets the newest release that it loads, not the newest one.
. "$(dirname "$0")/../../lib/test.sh"
. "$top/tests/lib/releases.sh"
need_bpf

# ends VERSION SECTION CONTEXT: a module with a program of that kind.
ends() {
	source_release ends "$1" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		char LICENSE[] SEC("license") = "GPL";

		SEC("$2")
		int see($3 *ctx)
		{
			return 0;
		}
	END
}

setup_registry
ends 1.1.0 raw_tp/sched_process_exit void
ends 2.0.0 netkit/primary 'struct __sk_buff'
lack="needs attach type 'netkit_primary', which kernel $(uname -r) does not have (Linux 6.7 brought it)"
says "the newest release that loads here" "module 'ends' is taken at 1.1.0, as 2.0.0 $lack" host install ends
equal "is installed" "$(host list --json | jq -r '.modules[0].version')" 1.1.0
refuses "the newest one is refused, and the Linux that has it named" 5 "'ends' 2.0.0 $lack" host install 'ends@=2.0.0'
