/* SPDX-License-Identifier: GPL-2.0-only */
/* The shared map: frames seen by each release of the importer, under its number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");
