/*
 * Entry programs, for hooks whose link cannot be moved to another program. A tiny program is attached once and stays:
 * it adds 1 to a per-CPU counter and tail-calls slot 0 of a program array, where the module's program is; when the slot
 * is empty it returns what the hook takes for "nothing to say". A swap is one store to the slot: no event misses both
 * programs, none sees both.
 *
 * Pins: links/<program> the entry's link, slots/<program> the array, runs/<program> the counter. The array must stay
 * pinned: the kernel empties one that no process and no pin holds.
 *
 * The kernel checks a program when it is attached, not when it is put into a slot. What attach would have refused, the
 * hook must refuse itself (docs/hooks.md).
 */
#ifndef IOV_HOOKS_ENTRY_H
#define IOV_HOOKS_ENTRY_H

#include <linux/bpf.h>

#include "hooks/hook.h"

struct iov_entry_kind {
	enum bpf_prog_type type;	  /* as of the programs for the slot: the kernel refuses others */
	enum bpf_attach_type attach_type; /* the same */
	int neutral;			  /* verdict while the slot is empty */
	unsigned reach; /* bytes of the context that the entry pretends to read, so that the kernel checks them at
			   attach; 0: none */
};

/* Descriptors, -1 where there is none; iov_auto(iov_entry_close). */
struct iov_entry {
	int program, slots, runs, link;
};
#define IOV_ENTRY_NONE ((struct iov_entry){-1, -1, -1, -1})

/* Loads an entry with an empty slot. The hook then attaches ret->program and puts the link into ret->link. */
int iov_entry_load(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
		   struct iov_entry *ret);
/* Pins array and counter, puts the program into the slot, and pins the link, which makes it last. */
int iov_entry_finish(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const struct iov_entry *entry,
		     int program);
/* The entry that a tree has, link and array at least; all -1 when the site is not attached. */
int iov_entry_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_entry *ret);
int iov_entry_fill(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, int program);
void iov_entry_close(struct iov_entry *entry);

/* What entry hooks differ in: an entry program made and attached, and the kernel asked to check `program` as it checks
 * what is attached. */
typedef int (*iov_entry_attacher)(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry *ret);

/* The rest of a plugin: attach, and swap, where a second entry, for a moment and with an empty slot, has the new
 * program checked. */
int iov_entry_attach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, iov_entry_attacher attacher);
int iov_entry_swap(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, iov_entry_attacher attacher);
int iov_entry_adopt(struct iov_ctx *ctx, const struct iov_site *site, const char *from_dir, const char *to_dir);
int iov_entry_detach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
int iov_entry_running(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret);

#endif
