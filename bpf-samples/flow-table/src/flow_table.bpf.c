// SPDX-License-Identifier: GPL-2.0-only
/* A table of flows and nothing else: who fills and who reads it are modules of their own, which come and go while it
 * stays. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} flows SEC(".maps");
