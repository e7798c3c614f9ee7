/* "NAME" or "NAME@REQUIREMENT", as people write wishes on the command line. */
#ifndef IOV_OPS_WISH_H
#define IOV_OPS_WISH_H

#include "core/version.h"

struct iov_wished {
	char *name;			     /* owned */
	char *text;			     /* of the requirement; NULL: none was given; owned */
	struct iov_requirement *requirement; /* NULL: none was given; owned */
};

struct iov_wished_list {
	struct iov_wished *items;
	size_t count;
};

int iov_wished_parse(struct iov_ctx *ctx, const char *const *texts, size_t count, struct iov_wished_list *ret);
/* NULL: it is not in the list, or there is none. */
const struct iov_wished *iov_wished_find(const struct iov_wished_list *list, const char *name);
void iov_wished_release(struct iov_wished_list *list);

#endif
