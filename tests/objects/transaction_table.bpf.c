// SPDX-License-Identifier: GPL-2.0-only
/* The provider in tests/unit/test_transaction_live.c: a map that others count in. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "transaction_hits.h"

char LICENSE[] SEC("license") = "GPL";
