/* What uprobes and kprobes write alike: "FUNCTION", "FUNCTION+0x10", in the section or as the target. */
#ifndef IOV_HOOKS_PROBED_H
#define IOV_HOOKS_PROBED_H

#include "hooks/hook.h"

/* The target, or what follows the section's first slash; NULL: neither says anything. Borrowed. */
const char *iov_probed_text(const struct iov_site *site);
/* A "...ret..." section: where functions return. */
bool iov_probed_at_return(const struct iov_site *site);
/* "read+0x10" is "read" and 16, "0x1234" is "" and 0x1234. */
int iov_probed_split(struct iov_ctx *ctx, const struct iov_site *site, const char *place, char **ret_function,
		     uint64_t *ret_offset);

#endif
