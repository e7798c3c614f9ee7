/*
 * One entry of the store in the making: filled under a temporary name below the store, then kept whole, or dropped. The
 * name is taken from the key, so what a killed command left is swept away by the next one, which holds the host lock as
 * that one did.
 */
#ifndef IOV_STORE_ENTRY_H
#define IOV_STORE_ENTRY_H

#include "core/digest.h"

struct iov_entry {
	char key[IOV_HEX_SIZE];
	char *dir; /* the temporary folder; owned */
};

int iov_entry_begin(struct iov_ctx *ctx, const char *key, struct iov_entry *ret);
/* Makes every file read-only and durable, then gives the entry its name: from here on the store has it. */
int iov_entry_keep(struct iov_ctx *ctx, struct iov_entry *entry);
/* Ends an entry; one that was not kept goes. Sets no error. */
void iov_entry_end(struct iov_entry *entry);
/* An entry goes at once or not at all, as it came. A missing one is success. */
int iov_entry_remove(struct iov_ctx *ctx, const char *key);
/* "<state>/store/<key>"; owned by the caller. */
char *iov_entry_path(struct iov_ctx *ctx, const char *key);

#endif
