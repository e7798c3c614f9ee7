/*
 * The journal: <state>/journal, the transaction in flight; absent means clean. Canonical JSON
 *   {"boot_id", "from", "to", "schema": 1}
 * written (durable for kill, not for power loss: what only the kernel holds is gone then anyway) before anything is
 * touched and removed at the end. What happened in between is read back from the kernel, not from here
 * (transaction/transaction.h).
 */
#ifndef IOV_STATE_JOURNAL_H
#define IOV_STATE_JOURNAL_H

#include "core/ctx.h"

struct iov_journal {
	uint64_t from, to;
	char boot_id[40];
};

int iov_journal_begin(struct iov_ctx *ctx, uint64_t from, uint64_t to);
int iov_journal_read(struct iov_ctx *ctx, struct iov_journal *ret, bool *ret_present);
int iov_journal_end(struct iov_ctx *ctx);
int iov_boot_id(struct iov_ctx *ctx, char ret[40]);

#endif
