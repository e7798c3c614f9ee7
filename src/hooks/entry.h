/*
 * Entry programs. A tiny program that reads the generation index and tail-calls slot `generation mod 2` of its program
 * array, after adding 1 to the slot's per-CPU counter; from an empty slot it falls through and returns what the hook
 * takes for "nothing to say". With the old program in the one slot and the new one in the other, a store to the index
 * moves the hook: no event misses both programs, none sees both.
 *
 * The array must stay pinned: the kernel empties one that no process and no pin holds.
 *
 * The kernel checks a program when it is attached, not when it is put into a slot. What attach would have refused, the
 * hook must refuse itself (docs/hooks.md).
 *
 * Packets on their way from XDP to traffic control would meet the old program at the one and the new one at the other
 * if the store falls in between. With `carry` the XDP entry writes its slot into the packet's metadata, and the entry
 * at traffic control takes it from there.
 */
#ifndef IOV_HOOKS_ENTRY_H
#define IOV_HOOKS_ENTRY_H

#include <linux/bpf.h>

#include "hooks/hook.h"

struct iov_entry_kind {
	enum bpf_prog_type type;	  /* as of the programs for the slots: the kernel refuses others */
	enum bpf_attach_type attach_type; /* the same */
	uint32_t flags;			  /* of BPF_PROG_LOAD: BPF_F_XDP_HAS_FRAGS */
	uint32_t btf_id;		  /* of the kernel function or tracepoint that it attaches to; 0: none */
	int neutral;			  /* verdict while the slot is empty */
	unsigned reach; /* bytes of the context that the entry pretends to read, so that the kernel checks them at
			   attach; 0: none */
	enum iov_carry carry;
	bool nests;    /* events may interrupt each other on one CPU, so that the runs are counted by atomic addition */
	bool needs_ip; /* a trampoline keeps the function's address, for bpf_get_func_ip(), if what is attached asks */
};

/* Descriptors, -1 where there is none; iov_auto(iov_entry_close). */
struct iov_entry {
	int program, slots, runs, link;
};
#define IOV_ENTRY_NONE ((struct iov_entry){-1, -1, -1, -1})

/* An entry with empty slots. */
int iov_entry_load(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
		   struct iov_entry *ret);
/* An entry with `program` in both slots, -1: none. To put it there later costs the kernel a change of code that runs
 * already, on all CPUs. */
int iov_entry_load_filled(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
			  int program, struct iov_entry *ret);
/* In the place of an entry, to ask what the kernel says to it: does nothing, and has no maps. */
int iov_entry_stand_in(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind, int *ret);
/* What a tree has of a site's entry; -1 for what is not pinned. */
int iov_entry_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_entry *ret);
/* Pins array and counter. */
int iov_entry_pin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const struct iov_entry *entry);
int iov_entry_unpin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
/* `program` -1 empties the slot. */
int iov_entry_fill(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, uint32_t slot,
		   int program);
/* The program in a slot, 0: none. */
int iov_entry_slot(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, uint32_t slot,
		   uint32_t *ret);
/* Adds up the counters; leaves *ret alone where there are none. */
int iov_entry_count(struct iov_ctx *ctx, const struct iov_entry *entry, struct iov_running *ret);
/* Is this program one of ours? */
bool iov_entry_is(uint32_t prog_id);
void iov_entry_close(struct iov_entry *entry);

#endif
